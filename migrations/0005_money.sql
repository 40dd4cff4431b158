-- Schema 5: money. What is NULL is older than the account, or has no known price.

ALTER TABLE jobs ADD COLUMN estimate_micro_usd INTEGER CHECK (estimate_micro_usd >= 0);
ALTER TABLE jobs ADD COLUMN estimate_sure INTEGER CHECK (estimate_sure IN (0, 1));
-- Sums over the submits. NULL: no submit of the job was ever counted.
ALTER TABLE jobs ADD COLUMN reserved_micro_usd INTEGER CHECK (reserved_micro_usd >= 0);
ALTER TABLE jobs ADD COLUMN cost_by_estimate_micro_usd INTEGER
    CHECK (cost_by_estimate_micro_usd >= 0);
ALTER TABLE jobs ADD COLUMN possibly_billed_micro_usd INTEGER
    CHECK (possibly_billed_micro_usd >= 0);
ALTER TABLE jobs ADD COLUMN unpriced_attempts INTEGER CHECK (unpriced_attempts >= 0);

ALTER TABLE attempts ADD COLUMN billing TEXT CHECK (
    billing = 'reserved' OR billing = 'settled' OR billing = 'estimated' OR
    billing = 'released' OR billing = 'possible');
-- Set aside at the intent, and never changed; NULL: no price was known.
ALTER TABLE attempts ADD COLUMN reserved_micro_usd INTEGER CHECK (reserved_micro_usd >= 0);
-- What it cost: of settled and estimated submits.
ALTER TABLE attempts ADD COLUMN billed_micro_usd INTEGER CHECK (billed_micro_usd >= 0);
-- The day of the intent by the machine's own calendar, YYYY-MM-DD: all of its money counts there.
ALTER TABLE attempts ADD COLUMN day TEXT CHECK (length(day) = 10);

-- The sums of each day, which outlive the jobs. Kept by the triggers below, so that they change
-- with the submits or not at all, and nobody walks the history for them.
CREATE TABLE money_days (
    day TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    batch TEXT NOT NULL,  -- '': none
    submits INTEGER NOT NULL CHECK (submits >= 0),    -- settled or estimated, and not for nothing
    unpriced INTEGER NOT NULL CHECK (unpriced >= 0),  -- (possibly) billed, at no known price
    reserved_micro_usd INTEGER NOT NULL CHECK (reserved_micro_usd >= 0),
    settled_micro_usd INTEGER NOT NULL CHECK (settled_micro_usd >= 0),
    estimated_micro_usd INTEGER NOT NULL CHECK (estimated_micro_usd >= 0),
    possible_micro_usd INTEGER NOT NULL CHECK (possible_micro_usd >= 0),
    PRIMARY KEY (day, provider, model, batch)
) STRICT, WITHOUT ROWID;
CREATE INDEX money_of_batch ON money_days (batch) WHERE batch <> '';
CREATE INDEX money_open ON money_days (day)
    WHERE reserved_micro_usd > 0 OR possible_micro_usd > 0;

CREATE TRIGGER attempts_counted_on_insert AFTER INSERT ON attempts WHEN new.billing IS NOT NULL
BEGIN
    INSERT INTO money_days
    SELECT new.day, new.provider, j.model, ifnull(j.batch, ''),
        new.billing IN ('settled', 'estimated') AND new.billed_micro_usd IS NOT 0,
        (new.billing = 'estimated' AND new.billed_micro_usd IS NULL) OR
            (new.billing = 'possible' AND new.reserved_micro_usd IS NULL),
        iif(new.billing = 'reserved', ifnull(new.reserved_micro_usd, 0), 0),
        iif(new.billing = 'settled', ifnull(new.billed_micro_usd, 0), 0),
        iif(new.billing = 'estimated', ifnull(new.billed_micro_usd, 0), 0),
        iif(new.billing = 'possible', ifnull(new.reserved_micro_usd, 0), 0)
    FROM jobs AS j WHERE j.seq = new.job_seq
    ON CONFLICT (day, provider, model, batch) DO UPDATE SET
        submits = submits + excluded.submits,
        unpriced = unpriced + excluded.unpriced,
        reserved_micro_usd = reserved_micro_usd + excluded.reserved_micro_usd,
        settled_micro_usd = settled_micro_usd + excluded.settled_micro_usd,
        estimated_micro_usd = estimated_micro_usd + excluded.estimated_micro_usd,
        possible_micro_usd = possible_micro_usd + excluded.possible_micro_usd;
END;
CREATE TRIGGER attempts_counted_on_update
AFTER UPDATE OF billing, reserved_micro_usd, billed_micro_usd, day ON attempts
WHEN old.billing IS NOT new.billing OR old.billed_micro_usd IS NOT new.billed_micro_usd OR
    old.reserved_micro_usd IS NOT new.reserved_micro_usd OR old.day IS NOT new.day
BEGIN
    UPDATE money_days SET
        submits = submits -
            (old.billing IN ('settled', 'estimated') AND old.billed_micro_usd IS NOT 0),
        unpriced = unpriced -
            ((old.billing = 'estimated' AND old.billed_micro_usd IS NULL) OR
             (old.billing = 'possible' AND old.reserved_micro_usd IS NULL)),
        reserved_micro_usd = reserved_micro_usd -
            iif(old.billing = 'reserved', ifnull(old.reserved_micro_usd, 0), 0),
        settled_micro_usd = settled_micro_usd -
            iif(old.billing = 'settled', ifnull(old.billed_micro_usd, 0), 0),
        estimated_micro_usd = estimated_micro_usd -
            iif(old.billing = 'estimated', ifnull(old.billed_micro_usd, 0), 0),
        possible_micro_usd = possible_micro_usd -
            iif(old.billing = 'possible', ifnull(old.reserved_micro_usd, 0), 0)
    WHERE old.billing IS NOT NULL AND day = old.day AND provider = old.provider AND
        model = (SELECT model FROM jobs WHERE seq = old.job_seq) AND
        batch = (SELECT ifnull(batch, '') FROM jobs WHERE seq = old.job_seq);
    INSERT INTO money_days
    SELECT new.day, new.provider, j.model, ifnull(j.batch, ''),
        new.billing IN ('settled', 'estimated') AND new.billed_micro_usd IS NOT 0,
        (new.billing = 'estimated' AND new.billed_micro_usd IS NULL) OR
            (new.billing = 'possible' AND new.reserved_micro_usd IS NULL),
        iif(new.billing = 'reserved', ifnull(new.reserved_micro_usd, 0), 0),
        iif(new.billing = 'settled', ifnull(new.billed_micro_usd, 0), 0),
        iif(new.billing = 'estimated', ifnull(new.billed_micro_usd, 0), 0),
        iif(new.billing = 'possible', ifnull(new.reserved_micro_usd, 0), 0)
    FROM jobs AS j WHERE j.seq = new.job_seq AND new.billing IS NOT NULL
    ON CONFLICT (day, provider, model, batch) DO UPDATE SET
        submits = submits + excluded.submits,
        unpriced = unpriced + excluded.unpriced,
        reserved_micro_usd = reserved_micro_usd + excluded.reserved_micro_usd,
        settled_micro_usd = settled_micro_usd + excluded.settled_micro_usd,
        estimated_micro_usd = estimated_micro_usd + excluded.estimated_micro_usd,
        possible_micro_usd = possible_micro_usd + excluded.possible_micro_usd;
END;

-- For readers: dollars.
CREATE VIEW job_money AS
    SELECT id AS job, model, batch, state,
           estimate_micro_usd / 1e6 AS estimated_usd, reserved_micro_usd / 1e6 AS reserved_usd,
           cost_micro_usd / 1e6 AS cost_usd, possibly_billed_micro_usd / 1e6 AS possibly_billed_usd
    FROM jobs;
CREATE VIEW daily_money AS
    SELECT day, provider, model, nullif(batch, '') AS batch, submits, unpriced,
           (settled_micro_usd + estimated_micro_usd) / 1e6 AS spent_usd,
           estimated_micro_usd / 1e6 AS of_it_estimated_usd,
           reserved_micro_usd / 1e6 AS reserved_usd, possible_micro_usd / 1e6 AS possibly_billed_usd
    FROM money_days;
DROP VIEW job_attempts;
CREATE VIEW job_attempts AS
    SELECT j.id AS job, a.number, a.provider, a.request_id, a.outcome, a.detail,
           strftime('%Y-%m-%dT%H:%M:%fZ', a.intent_at / 1000.0, 'unixepoch') AS intent,
           strftime('%Y-%m-%dT%H:%M:%fZ', a.answered_at / 1000.0, 'unixepoch') AS answered,
           strftime('%Y-%m-%dT%H:%M:%fZ', a.ended_at / 1000.0, 'unixepoch') AS ended,
           a.billing, a.reserved_micro_usd / 1e6 AS reserved_usd,
           a.billed_micro_usd / 1e6 AS billed_usd
    FROM attempts AS a CROSS JOIN jobs AS j ON j.seq = a.job_seq;

PRAGMA user_version = 5;
