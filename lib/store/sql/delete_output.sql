DELETE FROM outputs WHERE job_seq = :job_seq AND idx = :idx
