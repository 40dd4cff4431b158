INSERT INTO events (
    id, job_seq, number, happened_at, event, from_state, to_state, reason, note, patch, evidence,
    evidence_hash, hash)
VALUES (
    :id, :job_seq, :number, :happened_at, :event, :from_state, :to_state, :reason, :note, :patch,
    :evidence, :evidence_hash, :hash)
