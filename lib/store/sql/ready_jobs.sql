-- Queued jobs that may be submitted as they are.
SELECT seq FROM jobs INDEXED BY jobs_queued
WHERE state = 'queued' AND provider = :provider AND (files_until IS NULL OR files_until > :now)
ORDER BY priority DESC, seq LIMIT :limit
