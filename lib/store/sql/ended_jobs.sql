-- The condition in the words of the index jobs_ended.
SELECT id, finished_at FROM jobs
WHERE state = :state AND (state = 'completed' OR state = 'failed' OR state = 'cancelled')
ORDER BY finished_at, seq LIMIT :limit
