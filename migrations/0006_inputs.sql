-- Schema 6: local files in inputs.

-- The local files that the input names: an array of objects with field, path, bytes, modified_ns,
-- content_type, fresh, as_data_uri, sha256, url, uploaded_at, expires_at. NULL: none.
ALTER TABLE jobs ADD COLUMN files TEXT CHECK (files IS NULL OR json_valid(files));
-- Until when a submit may use their URLs: 0 while one has none; NULL: no files, or no end.
ALTER TABLE jobs ADD COLUMN files_until INTEGER;

-- The queue is read in two ways: what may be submitted now, and whose files come first. Both walk
-- this index alone, however many of the other sort stand before.
DROP INDEX jobs_queued;
CREATE INDEX jobs_queued ON jobs (provider, priority DESC, seq, files_until)
    WHERE state = 'queued';
CREATE INDEX jobs_uploading ON jobs (provider)
    WHERE state = 'scheduled' AND reason = 'upload';
-- Whose files must stay where they are.
CREATE INDEX jobs_with_files ON jobs (seq)
    WHERE files IS NOT NULL AND state <> 'completed' AND state <> 'failed' AND state <> 'cancelled';

-- What was really sent, where it is not the job's own input: URLs in place of local files.
ALTER TABLE attempts ADD COLUMN input TEXT CHECK (input IS NULL OR json_valid(input));

-- Files that a provider keeps for us, and those on their way there.
CREATE TABLE uploads (
    provider TEXT NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    content_type TEXT NOT NULL,
    name TEXT NOT NULL,
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    -- The finished upload; NULL: there is none yet.
    file_url TEXT CHECK (file_url <> ''),
    uploaded_at INTEGER,
    expires_at INTEGER,
    -- The upload on its way: where the bytes go, a secret that leaves the row with its end, and what
    -- each part was answered with, in their order.
    ticket TEXT CHECK (ticket IS NULL OR json_valid(ticket)),
    etags TEXT CHECK (etags IS NULL OR json_valid(etags)),
    started_at INTEGER,
    prune_at INTEGER,  -- NULL: lives for ever
    PRIMARY KEY (provider, sha256, content_type),
    CHECK ((file_url IS NULL) = (uploaded_at IS NULL)),
    CHECK ((ticket IS NULL) = (started_at IS NULL)),
    CHECK ((ticket IS NULL) = (etags IS NULL)),
    CHECK (file_url IS NOT NULL OR ticket IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_prune ON uploads (prune_at) WHERE prune_at IS NOT NULL;

DROP VIEW job_attempts;
CREATE VIEW job_attempts AS
    SELECT j.id AS job, a.number, a.provider, a.request_id, a.outcome, a.detail,
           strftime('%Y-%m-%dT%H:%M:%fZ', a.intent_at / 1000.0, 'unixepoch') AS intent,
           strftime('%Y-%m-%dT%H:%M:%fZ', a.answered_at / 1000.0, 'unixepoch') AS answered,
           strftime('%Y-%m-%dT%H:%M:%fZ', a.ended_at / 1000.0, 'unixepoch') AS ended,
           a.billing, a.reserved_micro_usd / 1e6 AS reserved_usd,
           a.billed_micro_usd / 1e6 AS billed_usd, a.input
    FROM attempts AS a CROSS JOIN jobs AS j ON j.seq = a.job_seq;

PRAGMA user_version = 6;
