SELECT name, paused, paused_message, paused_at, probe_at, probe_failures, limited_until,
    next_submit_at, slow_downs, user_id
FROM providers WHERE name = :name
