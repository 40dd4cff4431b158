DELETE FROM jobs WHERE rowid = :rowid
