-- `:above` is the prefix followed by a byte that is above all that an id may hold.
SELECT id FROM jobs WHERE id >= :prefix AND id < :above ORDER BY id LIMIT :limit
