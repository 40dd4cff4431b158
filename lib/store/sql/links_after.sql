-- The trail as it is stored, also where a job's row has gone: the first event of a job holds its id
-- too.
SELECT e.id, e.job_seq, j.seq IS NOT NULL AS has_job,
    coalesce(j.id, (SELECT json_extract(f.patch, '$.id') FROM events AS f
                    WHERE f.job_seq = e.job_seq AND f.number = 1)) AS job,
    e.number, e.happened_at, e.event, e.from_state, e.to_state, e.reason, e.note, e.patch,
    e.evidence, e.evidence_hash, e.hash
FROM events AS e LEFT JOIN jobs AS j ON j.seq = e.job_seq
WHERE e.id > :after ORDER BY e.id LIMIT :limit
