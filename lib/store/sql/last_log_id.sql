SELECT seq FROM sqlite_sequence WHERE name = 'job_logs'
