-- Queued jobs whose files have to be brought to the provider first.
SELECT seq FROM jobs INDEXED BY jobs_queued
WHERE state = 'queued' AND provider = :provider AND files_until <= :now
ORDER BY priority DESC, seq LIMIT :limit
