DELETE FROM job_labels WHERE job_seq = :seq
