UPDATE events SET hash = :hash, evidence_hash = :evidence_hash WHERE id = :id
