SELECT c.last_id, c.hash, c.base_id, c.base_hash,
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) AS highest_id
FROM chain AS c WHERE c.only = 1
