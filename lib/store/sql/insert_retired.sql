INSERT INTO retired_jobs (id, content_hash, state, finished_at, retry_of)
SELECT id, content_hash, state, finished_at, retry_of FROM jobs WHERE seq = :seq
