-- Schema 3: what is left of a job whose record was removed, and what a restored copy remembers.

-- Nothing is paid twice, also not after the record of the first time is gone.
CREATE TABLE retired_jobs (
    id TEXT PRIMARY KEY,
    content_hash TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state = 'completed' OR state = 'failed' OR state = 'cancelled'),
    finished_at INTEGER NOT NULL,
    retry_of TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX retired_retries ON retired_jobs (retry_of) WHERE retry_of IS NOT NULL;

-- Oldest end first: what is removed next.
CREATE INDEX jobs_ended ON jobs (state, finished_at, seq)
    WHERE (state = 'completed' OR state = 'failed' OR state = 'cancelled');
-- Without it the removal of a job would walk all labels for its foreign key.
CREATE INDEX job_labels_by_job ON job_labels (job_seq);

-- A row stands here in a copy only: a daemon that finds it has been started on a copy.
CREATE TABLE copied (made_at INTEGER NOT NULL) STRICT;
-- NULL: never restored. Behind the input, but absent from the rows that it says nothing about.
ALTER TABLE jobs ADD COLUMN restored TEXT CHECK (restored = 'ask' OR restored = 'released');

PRAGMA user_version = 3;
