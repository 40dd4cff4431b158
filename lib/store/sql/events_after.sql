SELECT e.id, j.id AS job, e.number, e.happened_at, e.event, e.from_state, e.to_state, e.reason,
    e.note, e.patch, e.evidence
FROM events AS e CROSS JOIN jobs AS j ON j.seq = e.job_seq
WHERE e.id > :after ORDER BY e.id LIMIT :limit
