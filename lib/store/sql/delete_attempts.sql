DELETE FROM attempts WHERE job_seq = :seq
