-- For a new job that fetches what an ended one was given.
INSERT INTO output_contents (job_seq, idx, content)
SELECT :to_seq, c.idx, c.content FROM jobs AS j CROSS JOIN output_contents AS c ON c.job_seq = j.seq
WHERE j.id = :from
