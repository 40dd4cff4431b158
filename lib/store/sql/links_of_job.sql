SELECT e.id, j.id AS job, e.number, e.happened_at, e.event, e.from_state, e.to_state, e.reason,
    e.note, e.patch, e.evidence_hash
FROM jobs AS j CROSS JOIN events AS e ON e.job_seq = j.seq
WHERE j.id = :job ORDER BY e.number
