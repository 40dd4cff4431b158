SELECT min(due_at) AS due_at FROM jobs
WHERE state NOT IN ('completed', 'failed', 'cancelled') AND due_at IS NOT NULL
