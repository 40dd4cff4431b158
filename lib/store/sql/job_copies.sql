-- Columns that repeat what other columns say.
SELECT content_hash, video_url FROM jobs WHERE seq = :seq
