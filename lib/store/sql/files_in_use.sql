-- Of jobs that are not over.
SELECT files FROM jobs INDEXED BY jobs_with_files
WHERE files IS NOT NULL AND state <> 'completed' AND state <> 'failed' AND state <> 'cancelled'
