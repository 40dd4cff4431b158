INSERT INTO job_logs (job_seq, attempt, logged_at, level, source, message)
VALUES (:job_seq, :attempt, :logged_at, :level, :source, :message)
