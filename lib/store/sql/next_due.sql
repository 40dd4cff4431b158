SELECT min(due_at) AS due_at FROM jobs
WHERE state <> 'completed' AND state <> 'failed' AND state <> 'cancelled' AND due_at IS NOT NULL
