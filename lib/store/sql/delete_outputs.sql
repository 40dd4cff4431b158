DELETE FROM outputs WHERE job_seq = :seq
