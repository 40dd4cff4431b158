SELECT id, digest FROM pruned_events WHERE id > :after ORDER BY id LIMIT :limit
