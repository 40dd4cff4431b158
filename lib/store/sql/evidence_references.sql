SELECT v.id, v.attempt, v.kind, v.received_at, v.clipped, coalesce(length(v.body), 0) AS bytes
FROM jobs AS j CROSS JOIN evidence AS v ON v.job_seq = j.seq
WHERE j.id = :job ORDER BY v.id
