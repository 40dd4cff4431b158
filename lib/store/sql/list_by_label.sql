-- A page of a listing driven by one label; CROSS JOIN keeps that order.
SELECT j.seq FROM job_labels AS d CROSS JOIN jobs AS j ON j.seq = d.job_seq
WHERE d.key = :key AND d.value = :value AND d.job_seq < :before
  AND (:state IS NULL OR j.state = :state)
  AND (:batch IS NULL OR j.batch = :batch)
  AND (:model IS NULL OR j.model = :model)
  AND (:prefix IS NULL OR (j.id >= :prefix AND j.id < :above))
  AND (:labels IS NULL OR NOT EXISTS (
      SELECT 1 FROM json_each(:labels) AS wanted WHERE NOT EXISTS (
          SELECT 1 FROM job_labels AS l
          WHERE l.key = wanted.key AND l.value = wanted.value AND l.job_seq = j.seq)))
ORDER BY d.job_seq DESC LIMIT :limit
