SELECT seq FROM jobs INDEXED BY jobs_uploading
WHERE state = 'scheduled' AND reason = 'upload' AND provider = :provider ORDER BY seq
