SELECT v.id, j.id AS job, v.attempt, v.kind, v.received_at, v.head, v.clipped, v.body
FROM jobs AS j CROSS JOIN evidence AS v ON v.job_seq = j.seq
WHERE j.id = :job ORDER BY v.id
