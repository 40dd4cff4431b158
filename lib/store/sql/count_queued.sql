SELECT count(*) FROM jobs INDEXED BY jobs_queued
WHERE state = 'queued' AND provider = :provider
