-- The number grows within the job; the subquery is one search in the index of (job_seq, number).
INSERT INTO events (
    job_seq, number, happened_at, event, from_state, to_state, reason, note, patch, evidence)
SELECT j.seq,
    1 + coalesce((SELECT max(number) FROM events WHERE job_seq = j.seq), 0),
    :happened_at, :event, :from_state, :to_state, :reason, :note, :patch, :evidence
FROM jobs AS j WHERE j.id = :job
