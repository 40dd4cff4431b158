DELETE FROM uploads
WHERE provider = :provider AND sha256 = :sha256 AND content_type = :content_type
