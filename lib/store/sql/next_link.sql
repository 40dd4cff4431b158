-- Where the next event of a job goes. The number grows within the job; its subquery is one search in
-- the index of (job_seq, number). Whatever was done to the head behind the program's back, the id is
-- above every one that was ever given.
SELECT j.seq, c.hash,
    1 + coalesce((SELECT max(number) FROM events WHERE job_seq = j.seq), 0) AS number,
    1 + max(c.last_id,
            coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)) AS id
FROM jobs AS j CROSS JOIN chain AS c WHERE j.id = :job AND c.only = 1
