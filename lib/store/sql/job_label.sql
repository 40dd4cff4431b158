SELECT 1 FROM job_labels WHERE key = :key AND value = :value AND job_seq = :job_seq
