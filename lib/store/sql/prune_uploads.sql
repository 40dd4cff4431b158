DELETE FROM uploads WHERE prune_at <= :now
