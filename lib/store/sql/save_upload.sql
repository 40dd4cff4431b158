INSERT INTO uploads (provider, sha256, content_type, name, bytes, file_url, uploaded_at, expires_at,
    ticket, etags, started_at, prune_at)
VALUES (:provider, :sha256, :content_type, :name, :bytes, :file_url, :uploaded_at, :expires_at,
    :ticket, :etags, :started_at, :prune_at)
ON CONFLICT (provider, sha256, content_type) DO UPDATE SET
    name = excluded.name, bytes = excluded.bytes, file_url = excluded.file_url,
    uploaded_at = excluded.uploaded_at, expires_at = excluded.expires_at,
    ticket = excluded.ticket, etags = excluded.etags, started_at = excluded.started_at,
    prune_at = excluded.prune_at
