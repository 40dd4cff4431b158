-- Walks the whole table: for copies on a thread of their own.
SELECT count(*) FROM jobs
