DELETE FROM evidence WHERE job_seq = :seq
