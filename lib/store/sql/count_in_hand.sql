SELECT count(*) FROM jobs INDEXED BY jobs_in_hand
WHERE state IN ('submitting', 'submit_unknown', 'submitted', 'running') AND provider = :provider
