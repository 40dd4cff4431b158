-- Schema 2: the trail is chained by hash. What the bytes are that go into a hash stands in
-- lib/store/chain.hpp. The rows of schema 1 get theirs from the program, within the transaction of
-- this step.

ALTER TABLE events ADD COLUMN evidence_hash BLOB CHECK (length(evidence_hash) = 32);
ALTER TABLE events ADD COLUMN hash BLOB CHECK (length(hash) = 32);

-- The one row that knows where the chain ends, so that a cut-off tail is missed. Everything up to
-- base_id was pruned and has left nothing but the hash that it led to.
CREATE TABLE chain (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    last_id INTEGER NOT NULL CHECK (last_id >= base_id),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    base_id INTEGER NOT NULL CHECK (base_id >= 0),
    base_hash BLOB NOT NULL CHECK (length(base_hash) = 32)
) STRICT;
INSERT INTO chain (only, last_id, hash, base_id, base_hash)
VALUES (1, 0, zeroblob(32), 0, zeroblob(32));

-- What a pruned event leaves behind while an older one is still kept: with its digest the chain can
-- be followed across the hole.
CREATE TABLE pruned_events (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

-- Evidence that was pruned by age takes its reference with it; this finds the event.
CREATE INDEX events_by_evidence ON events (evidence) WHERE evidence IS NOT NULL;

DROP TRIGGER events_never_change;
DROP TRIGGER events_never_vanish;
-- Two things may still happen to an event: the one without a hash gets it, and the reference to
-- evidence goes while the evidence's own hash stays.
CREATE TRIGGER events_never_change BEFORE UPDATE ON events
WHEN NOT (
    new.id IS old.id AND new.job_seq IS old.job_seq AND new.number IS old.number AND
    new.happened_at IS old.happened_at AND new.event IS old.event AND
    new.from_state IS old.from_state AND new.to_state IS old.to_state AND
    new.reason IS old.reason AND new.note IS old.note AND new.patch IS old.patch AND
    CASE WHEN old.hash IS NULL
         THEN new.hash IS NOT NULL AND new.evidence IS old.evidence
         ELSE new.hash IS old.hash AND new.evidence_hash IS old.evidence_hash AND
              old.evidence IS NOT NULL AND new.evidence IS NULL AND
              old.evidence_hash IS NOT NULL END)
BEGIN
    SELECT RAISE(ABORT, 'the trail is append-only');
END;
CREATE TRIGGER events_never_vanish BEFORE DELETE ON events
WHEN NOT EXISTS (SELECT 1 FROM pruned_events WHERE id = old.id)
BEGIN
    SELECT RAISE(ABORT, 'the trail is append-only');
END;
-- Nor is proof mended afterwards; only `processed` changes.
CREATE TRIGGER evidence_never_changes
BEFORE UPDATE OF id, job_seq, attempt, kind, received_at, head, clipped, body ON evidence BEGIN
    SELECT RAISE(ABORT, 'evidence never changes');
END;

PRAGMA user_version = 2;
