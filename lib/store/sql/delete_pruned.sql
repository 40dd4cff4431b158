DELETE FROM pruned_events WHERE id <= :id
