DELETE FROM job_logs WHERE job_seq = :job_seq AND id <= :id
