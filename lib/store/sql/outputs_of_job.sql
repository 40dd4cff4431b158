SELECT idx, url, path, content_type, file_name, bytes, sha256, stored
FROM outputs WHERE job_seq = :job_seq ORDER BY idx
