INSERT INTO outputs (job_seq, idx, url, path, content_type, file_name, bytes, sha256, stored, kind,
    inlined)
VALUES (:job_seq, :idx, :url, :path, :content_type, :file_name, :bytes, :sha256, :stored, :kind,
    :inlined)
ON CONFLICT (job_seq, idx) DO UPDATE SET
    url = excluded.url, path = excluded.path, content_type = excluded.content_type,
    file_name = excluded.file_name, bytes = excluded.bytes, sha256 = excluded.sha256,
    stored = excluded.stored, kind = excluded.kind, inlined = excluded.inlined
