UPDATE outputs SET path = :path WHERE job_seq = :job_seq AND idx = :idx
