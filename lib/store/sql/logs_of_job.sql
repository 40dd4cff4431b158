-- The newest ones, newest first.
SELECT l.id, j.id AS job, l.attempt, l.logged_at, l.level, l.source, l.message
FROM jobs AS j CROSS JOIN job_logs AS l ON l.job_seq = j.seq
WHERE j.id = :job ORDER BY l.id DESC LIMIT :limit
