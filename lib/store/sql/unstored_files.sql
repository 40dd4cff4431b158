SELECT j.id AS job, j.state, o.path FROM outputs AS o INDEXED BY outputs_unstored
    CROSS JOIN jobs AS j ON j.seq = o.job_seq
WHERE o.stored = 0 AND o.path IS NOT NULL
