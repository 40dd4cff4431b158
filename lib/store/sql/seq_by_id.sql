SELECT seq, content_hash FROM jobs WHERE id = :id
