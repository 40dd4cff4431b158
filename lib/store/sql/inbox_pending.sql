-- All columns, those that somebody added as well: the validation names them to the dropper.
SELECT rowid AS inbox_rowid, * FROM jobs WHERE error IS NULL OR error = ''
ORDER BY rowid LIMIT :limit
