SELECT l.id, j.id AS job, l.attempt, l.logged_at, l.level, l.source, l.message
FROM job_logs AS l CROSS JOIN jobs AS j ON j.seq = l.job_seq
WHERE l.id > :id ORDER BY l.id LIMIT :limit
