-- A page of a listing of one state.
SELECT j.seq FROM jobs AS j
WHERE j.state = :state AND j.seq < :before
  AND (:batch IS NULL OR j.batch = :batch)
  AND (:model IS NULL OR j.model = :model)
  AND (:prefix IS NULL OR (j.id >= :prefix AND j.id < :above))
  AND (:labels IS NULL OR NOT EXISTS (
      SELECT 1 FROM json_each(:labels) AS wanted WHERE NOT EXISTS (
          SELECT 1 FROM job_labels AS l
          WHERE l.key = wanted.key AND l.value = wanted.value AND l.job_seq = j.seq)))
ORDER BY j.seq DESC LIMIT :limit
