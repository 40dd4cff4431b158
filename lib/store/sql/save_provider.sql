INSERT INTO providers (
    name, paused, paused_message, paused_at, probe_at, probe_failures, limited_until,
    next_submit_at, slow_downs, user_id)
VALUES (
    :name, :paused, :paused_message, :paused_at, :probe_at, :probe_failures, :limited_until,
    :next_submit_at, :slow_downs, :user_id)
ON CONFLICT (name) DO UPDATE SET
    paused = excluded.paused, paused_message = excluded.paused_message,
    paused_at = excluded.paused_at, probe_at = excluded.probe_at,
    probe_failures = excluded.probe_failures, limited_until = excluded.limited_until,
    next_submit_at = excluded.next_submit_at, slow_downs = excluded.slow_downs,
    user_id = excluded.user_id
