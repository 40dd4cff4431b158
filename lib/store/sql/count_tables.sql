-- Tells an empty file from somebody else's database.
SELECT count(*) FROM sqlite_schema
