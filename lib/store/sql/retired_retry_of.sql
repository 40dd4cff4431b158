SELECT id, content_hash, state, finished_at FROM retired_jobs WHERE retry_of = :id LIMIT 1
