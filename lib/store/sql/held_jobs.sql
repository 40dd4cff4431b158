-- IS, not =: held without a reason is a set of its own.
SELECT seq FROM jobs INDEXED BY jobs_held
WHERE state = 'held' AND provider = :provider AND reason IS :reason
ORDER BY seq LIMIT :limit
