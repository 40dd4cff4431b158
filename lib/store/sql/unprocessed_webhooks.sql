SELECT v.id, j.id AS job, v.attempt, v.kind, v.received_at, v.head, v.clipped, v.body
FROM evidence AS v LEFT JOIN jobs AS j ON j.seq = v.job_seq
WHERE v.processed = 0 AND v.id > 0 ORDER BY v.id LIMIT :limit
