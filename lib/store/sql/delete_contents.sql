DELETE FROM output_contents WHERE job_seq = :seq
