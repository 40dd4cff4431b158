SELECT rowid AS inbox_rowid, * FROM jobs WHERE rowid = :rowid
