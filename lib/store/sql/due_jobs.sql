SELECT seq FROM jobs INDEXED BY jobs_due
WHERE state <> 'completed' AND state <> 'failed' AND state <> 'cancelled' AND due_at <= :now
ORDER BY due_at, seq LIMIT :limit
