-- Ids grow with time, so the oldest come first.
SELECT v.id, v.received_at, v.processed,
    coalesce(j.state = 'completed' OR j.state = 'failed' OR j.state = 'cancelled', 1) AS ended
FROM evidence AS v LEFT JOIN jobs AS j ON j.seq = v.job_seq
WHERE v.id > :after ORDER BY v.id LIMIT :limit
