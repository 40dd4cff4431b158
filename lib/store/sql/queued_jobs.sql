SELECT seq FROM jobs INDEXED BY jobs_queued
WHERE state = 'queued' AND provider = :provider
ORDER BY priority DESC, seq LIMIT :limit
