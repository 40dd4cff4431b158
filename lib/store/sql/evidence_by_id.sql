SELECT v.id, j.id AS job, v.attempt, v.kind, v.received_at, v.head, v.clipped, v.body
FROM evidence AS v LEFT JOIN jobs AS j ON j.seq = v.job_seq
WHERE v.id = :id
