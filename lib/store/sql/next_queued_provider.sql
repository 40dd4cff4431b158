-- One step of a walk over the distinct providers: DISTINCT would read every queued row. Without
-- the hint the planner prefers jobs_by_state, and sorts.
SELECT provider FROM jobs INDEXED BY jobs_queued
WHERE state = 'queued' AND provider > :after ORDER BY provider LIMIT 1
