-- Compare-and-set, and what has not ended is never deleted.
DELETE FROM jobs WHERE seq = :seq AND version = :version
    AND (state = 'completed' OR state = 'failed' OR state = 'cancelled')
