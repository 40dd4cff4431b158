DELETE FROM job_logs WHERE job_seq = :seq
