-- Not STRICT and without CHECKs: whatever was dropped is kept, so that its error can be explained.
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT DEFAULT (lower(
        hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2)
        || '-' || hex(randomblob(6)))),
    model TEXT,
    input TEXT,
    batch TEXT,
    priority INTEGER,
    not_before INTEGER,
    deadline INTEGER,
    max_attempts INTEGER,
    output TEXT,
    labels TEXT,
    error TEXT,
    unchecked INTEGER
)
