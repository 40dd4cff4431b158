INSERT INTO job_labels (key, value, job_seq) VALUES (:key, :value, :job_seq)
