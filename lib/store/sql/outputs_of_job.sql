SELECT idx, url, path, content_type, file_name, bytes, sha256, stored, kind, inlined
FROM outputs WHERE job_seq = :job_seq ORDER BY idx
