SELECT seq FROM jobs INDEXED BY jobs_due
WHERE state NOT IN ('completed', 'failed', 'cancelled') AND due_at <= :now
ORDER BY due_at, seq LIMIT :limit
