UPDATE chain SET base_id = :base_id, base_hash = :base_hash WHERE only = 1
