UPDATE chain SET last_id = :last_id, hash = :hash WHERE only = 1
