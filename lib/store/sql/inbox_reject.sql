UPDATE jobs SET error = :error WHERE rowid = :rowid
