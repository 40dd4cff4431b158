SELECT provider, sha256, content_type, name, bytes, file_url, uploaded_at, expires_at, ticket, etags,
    started_at
FROM uploads
WHERE provider = :provider AND sha256 = :sha256 AND content_type = :content_type
