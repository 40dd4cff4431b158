SELECT c.content FROM jobs AS j CROSS JOIN output_contents AS c ON c.job_seq = j.seq
WHERE j.id = :job AND c.idx = :idx
