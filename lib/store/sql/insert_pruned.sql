INSERT INTO pruned_events (id, digest) VALUES (:id, :digest)
