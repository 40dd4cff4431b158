-- Schema 1. Times are integer Unix milliseconds, money integer micro-dollars. NULL stands for "not
-- there"; an empty text is never stored where NULL would do.
--
-- No list of three or more stands in an IN here: SQLite builds a temporary b-tree for it each time
-- that a row is written, which cost more than the write itself.

-- "reel" in ASCII: `file` and this program tell the database from another one by it.
PRAGMA application_id = 0x7265656c;

CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- age; never used twice
    version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
    model TEXT NOT NULL,
    batch TEXT,
    priority INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER,
    deadline INTEGER,
    max_attempts INTEGER NOT NULL DEFAULT 5 CHECK (max_attempts >= 1),
    output TEXT,
    labels TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(labels)),
    content_hash TEXT NOT NULL,
    provider TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state = 'held' OR state = 'blocked' OR state = 'scheduled' OR state = 'queued' OR
        state = 'submitting' OR state = 'submit_unknown' OR state = 'submitted' OR
        state = 'running' OR state = 'fetching' OR state = 'completed' OR state = 'failed' OR
        state = 'cancelled'),
    reason TEXT CHECK (reason <> ''),
    error_code TEXT,
    error_message TEXT,
    attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    billable_attempts INTEGER NOT NULL DEFAULT 0 CHECK (billable_attempts >= 0),
    refusals INTEGER NOT NULL DEFAULT 0 CHECK (refusals >= 0),
    fetch_failures INTEGER NOT NULL DEFAULT 0 CHECK (fetch_failures >= 0),
    request_id TEXT,
    status_url TEXT,
    response_url TEXT,
    cancel_url TEXT,
    queue_position INTEGER,
    progress REAL,
    video_url TEXT,  -- of the first output
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    cost_micro_usd INTEGER,
    retry_of TEXT CHECK (retry_of <> id),
    created_at INTEGER NOT NULL,
    submitted_at INTEGER,
    finished_at INTEGER,
    due_at INTEGER,
    unknown_until INTEGER,
    quiet_polls INTEGER NOT NULL DEFAULT 0 CHECK (quiet_polls >= 0),
    missing_polls INTEGER NOT NULL DEFAULT 0 CHECK (missing_polls >= 0),
    failed_polls INTEGER NOT NULL DEFAULT 0 CHECK (failed_polls >= 0),
    -- The one large column stands last, so that reading the others does not walk its overflow pages.
    input TEXT NOT NULL CHECK (json_valid(input)),

    CHECK ((error_code IS NULL) = (error_message IS NULL)),
    -- Nothing waits without an owner timer, nothing ends without a date.
    CHECK (CASE WHEN state = 'completed' OR state = 'failed' OR state = 'cancelled'
                THEN finished_at IS NOT NULL ELSE due_at IS NOT NULL END)
) STRICT;

-- One partial index for each hot set, with `state` in its condition instead of its key. A query
-- must spell the condition in the same words for the planner to see it.
CREATE INDEX jobs_due ON jobs (due_at)
    WHERE state <> 'completed' AND state <> 'failed' AND state <> 'cancelled';
CREATE INDEX jobs_queued ON jobs (provider, priority DESC, seq)
    WHERE state = 'queued';
CREATE INDEX jobs_in_hand ON jobs (provider)
    WHERE (state = 'submitting' OR state = 'submit_unknown' OR state = 'submitted' OR
           state = 'running');
CREATE INDEX jobs_held ON jobs (provider, reason, seq)
    WHERE state = 'held';
-- An ended job is tried again by one other job at most.
CREATE UNIQUE INDEX jobs_retry_of ON jobs (retry_of) WHERE retry_of IS NOT NULL;
-- For the listings, which ask for one state at a time and merge.
CREATE INDEX jobs_by_state ON jobs (state, seq);
CREATE INDEX jobs_by_model ON jobs (model, state, seq);
CREATE INDEX jobs_by_batch ON jobs (batch, state, seq) WHERE batch IS NOT NULL;

-- The labels once more, searchable. They never change after the insert.
CREATE TABLE job_labels (
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    job_seq INTEGER NOT NULL REFERENCES jobs (seq),
    PRIMARY KEY (key, value, job_seq)
) STRICT, WITHOUT ROWID;

-- Counted by triggers: /v1/status and /metrics must not walk the whole history.
CREATE TABLE state_counts (
    state TEXT PRIMARY KEY,
    jobs INTEGER NOT NULL CHECK (jobs >= 0)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER jobs_counted_on_insert AFTER INSERT ON jobs BEGIN
    INSERT INTO state_counts (state, jobs) VALUES (new.state, 1)
        ON CONFLICT (state) DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER jobs_counted_on_update AFTER UPDATE OF state ON jobs WHEN old.state <> new.state
BEGIN
    UPDATE state_counts SET jobs = jobs - 1 WHERE state = old.state;
    INSERT INTO state_counts (state, jobs) VALUES (new.state, 1)
        ON CONFLICT (state) DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER jobs_counted_on_delete AFTER DELETE ON jobs BEGIN
    UPDATE state_counts SET jobs = jobs - 1 WHERE state = old.state;
END;
-- Holds against the daemon's own mistakes as well: what has ended stays ended.
CREATE TRIGGER jobs_terminal_stays BEFORE UPDATE OF state ON jobs
WHEN new.state <> old.state AND
    (old.state = 'completed' OR old.state = 'failed' OR old.state = 'cancelled')
BEGIN
    SELECT RAISE(ABORT, 'a terminal job never changes its state');
END;

-- One row for each submit intent, durable before the request leaves.
CREATE TABLE attempts (
    job_seq INTEGER NOT NULL REFERENCES jobs (seq),
    number INTEGER NOT NULL CHECK (number >= 1),
    provider TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,
    request_id TEXT,
    status_url TEXT,
    response_url TEXT,
    cancel_url TEXT,
    intent_at INTEGER NOT NULL,
    answered_at INTEGER,
    ended_at INTEGER,
    outcome TEXT NOT NULL CHECK (outcome <> ''),
    detail TEXT,
    PRIMARY KEY (job_seq, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_request ON attempts (provider, request_id)
    WHERE request_id IS NOT NULL;

CREATE TABLE outputs (
    job_seq INTEGER NOT NULL REFERENCES jobs (seq),
    idx INTEGER NOT NULL CHECK (idx >= 0),
    url TEXT,
    path TEXT UNIQUE CHECK (path <> ''),  -- two outputs never share a file
    content_type TEXT,
    file_name TEXT,
    bytes INTEGER CHECK (bytes >= 0),
    sha256 TEXT,
    stored INTEGER NOT NULL DEFAULT 0 CHECK (stored IN (0, 1)),
    PRIMARY KEY (job_seq, idx),
    CHECK (stored = 0 OR path IS NOT NULL)
) STRICT, WITHOUT ROWID;
-- Files on their way: few, and asked for at every start.
CREATE INDEX outputs_unstored ON outputs (job_seq) WHERE stored = 0 AND path IS NOT NULL;

-- Raw proof: what was sent and what came back, redacted and bounded.
CREATE TABLE evidence (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_seq INTEGER REFERENCES jobs (seq),  -- NULL: belongs to no known job
    attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    kind TEXT NOT NULL CHECK (
        kind = 'submit_request' OR kind = 'submit_answer' OR kind = 'status_answer' OR
        kind = 'result_answer' OR kind = 'cancel_answer' OR kind = 'history_answer' OR
        kind = 'media_answer' OR kind = 'webhook' OR kind = 'person'),
    received_at INTEGER NOT NULL,
    head TEXT CHECK (head IS NULL OR json_valid(head)),
    clipped INTEGER NOT NULL DEFAULT 0 CHECK (clipped IN (0, 1)),
    processed INTEGER NOT NULL DEFAULT 1 CHECK (processed IN (0, 1)),
    body ANY CHECK (length(CAST(body AS BLOB)) <= 65536)
) STRICT;
CREATE INDEX evidence_by_job ON evidence (job_seq);
CREATE INDEX evidence_unprocessed ON evidence (id) WHERE processed = 0;
CREATE INDEX evidence_webhooks ON evidence (job_seq, attempt) WHERE kind = 'webhook';

-- The trail. `patch` holds the fields that changed; folding the patches of a job gives its row.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_seq INTEGER NOT NULL REFERENCES jobs (seq),
    number INTEGER NOT NULL CHECK (number >= 1),
    happened_at INTEGER NOT NULL,
    event TEXT NOT NULL CHECK (event <> ''),
    from_state TEXT,
    to_state TEXT NOT NULL,
    reason TEXT CHECK (reason <> ''),
    note TEXT,
    patch TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(patch)),
    evidence INTEGER REFERENCES evidence (id),
    UNIQUE (job_seq, number)
) STRICT;
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'the trail is append-only');
END;
CREATE TRIGGER events_never_vanish BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'the trail is append-only');
END;

CREATE TABLE providers (
    name TEXT PRIMARY KEY,
    paused TEXT CHECK (paused <> ''),
    paused_message TEXT,
    paused_at INTEGER,
    probe_at INTEGER,
    probe_failures INTEGER NOT NULL DEFAULT 0,
    limited_until INTEGER,
    next_submit_at INTEGER,
    slow_downs INTEGER NOT NULL DEFAULT 0,
    user_id TEXT
) STRICT, WITHOUT ROWID;

-- For readers: the jobs' own ids and times that a person can read.
CREATE VIEW job_events AS
    SELECT e.id, j.id AS job, e.number,
           strftime('%Y-%m-%dT%H:%M:%fZ', e.happened_at / 1000.0, 'unixepoch') AS happened,
           e.event, e.from_state, e.to_state, e.reason, e.note, e.patch, e.evidence
    FROM events AS e CROSS JOIN jobs AS j ON j.seq = e.job_seq;
CREATE VIEW job_attempts AS
    SELECT j.id AS job, a.number, a.provider, a.request_id, a.outcome, a.detail,
           strftime('%Y-%m-%dT%H:%M:%fZ', a.intent_at / 1000.0, 'unixepoch') AS intent,
           strftime('%Y-%m-%dT%H:%M:%fZ', a.answered_at / 1000.0, 'unixepoch') AS answered,
           strftime('%Y-%m-%dT%H:%M:%fZ', a.ended_at / 1000.0, 'unixepoch') AS ended
    FROM attempts AS a CROSS JOIN jobs AS j ON j.seq = a.job_seq;
CREATE VIEW job_outputs AS
    SELECT j.id AS job, o.idx, o.url, o.path, o.bytes, o.sha256, o.content_type, o.stored
    FROM outputs AS o CROSS JOIN jobs AS j ON j.seq = o.job_seq;

PRAGMA user_version = 1;
