SELECT id, content_hash, state, finished_at FROM retired_jobs WHERE id = :id
