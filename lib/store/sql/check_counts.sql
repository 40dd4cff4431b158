SELECT 'state_counts says ' || c.jobs || ' jobs are ' || c.state || ', and there are ' ||
    (SELECT count(*) FROM jobs AS j WHERE j.state = c.state) AS what
FROM state_counts AS c
WHERE c.jobs <> (SELECT count(*) FROM jobs AS j WHERE j.state = c.state)
