SELECT lower(hex(e.hash)) AS hash
FROM jobs AS j CROSS JOIN events AS e ON e.job_seq = j.seq
WHERE j.id = :job ORDER BY e.number
