-- The volatile columns only; touches no index but jobs_due.
UPDATE jobs SET
    version = version + 1, due_at = :due_at, unknown_until = :unknown_until,
    quiet_polls = :quiet_polls, missing_polls = :missing_polls, failed_polls = :failed_polls
WHERE seq = :seq AND version = :version
