-- Schema 4: outputs of every kind, and what a provider says of a job while it runs.

-- What a result says beside its files: a JSON object, canonical.
ALTER TABLE jobs ADD COLUMN result_values TEXT
    CHECK (result_values IS NULL OR json_valid(result_values));

-- What the result promised the file to be; NULL: nothing.
ALTER TABLE outputs ADD COLUMN kind TEXT
    CHECK (kind = 'video' OR kind = 'audio' OR kind = 'image');
-- 1: the bytes came with the answer.
ALTER TABLE outputs ADD COLUMN inlined INTEGER NOT NULL DEFAULT 0
    CHECK (inlined = 0 OR inlined = 1);

-- Bytes that came with an answer, until they are a file. Apart from `outputs`, so that reading a job
-- does not read them; a row goes in the same change that makes its output stored.
CREATE TABLE output_contents (
    job_seq INTEGER NOT NULL REFERENCES jobs (seq),
    idx INTEGER NOT NULL CHECK (idx >= 0),
    content BLOB NOT NULL,
    PRIMARY KEY (job_seq, idx)
) STRICT;

-- The provider's own log lines, the newest of each job. No part of the trail.
CREATE TABLE job_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- grows over all jobs: where a reader of news stands
    job_seq INTEGER NOT NULL REFERENCES jobs (seq),
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    logged_at INTEGER,                     -- by the provider's clock; NULL: it did not say
    level TEXT CHECK (level <> ''),
    source TEXT CHECK (source <> ''),
    message TEXT NOT NULL CHECK (length(CAST(message AS BLOB)) <= 4096)
) STRICT;
CREATE INDEX job_logs_by_job ON job_logs (job_seq, id);

DROP VIEW job_outputs;
CREATE VIEW job_outputs AS
    SELECT j.id AS job, o.idx, o.url, o.path, o.bytes, o.sha256, o.content_type, o.stored, o.kind
    FROM outputs AS o CROSS JOIN jobs AS j ON j.seq = o.job_seq;

PRAGMA user_version = 4;
