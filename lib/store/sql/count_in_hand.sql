SELECT count(*) FROM jobs INDEXED BY jobs_in_hand
WHERE (state = 'submitting' OR state = 'submit_unknown' OR state = 'submitted' OR
       state = 'running') AND provider = :provider
