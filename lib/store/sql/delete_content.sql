DELETE FROM output_contents WHERE job_seq = :job_seq AND idx = :idx
