SELECT count(*) FROM jobs AS j CROSS JOIN evidence AS v ON v.job_seq = j.seq
WHERE j.id = :job AND v.kind = 'webhook' AND v.attempt = :attempt
