-- After the wall clock was set: a wait keeps its length, a time that a person gave keeps its place.
UPDATE jobs SET version = version + 1, due_at = CASE
    WHEN deadline IS NULL OR cancel_requested = 1 OR state = 'fetching' OR
         state = 'submitting' OR state = 'submit_unknown' THEN due_at + :by
    ELSE min(due_at + :by, deadline) END
WHERE state <> 'completed' AND state <> 'failed' AND state <> 'cancelled' AND due_at IS NOT NULL
    AND NOT (state = 'scheduled' AND reason = 'not_before')
