-- The one list of columns that become a Job; every other query names jobs by seq.
SELECT
    seq, id, version, model, batch, priority, not_before, deadline, max_attempts, output,
    labels, provider, state, reason, error_code, error_message, attempt, billable_attempts,
    refusals, fetch_failures, request_id, status_url, response_url, cancel_url, queue_position,
    progress, cancel_requested, restored, cost_micro_usd, retry_of, created_at, submitted_at, finished_at,
    due_at, unknown_until, quiet_polls, missing_polls, failed_polls, input, result_values,
    estimate_micro_usd, estimate_sure, reserved_micro_usd, cost_by_estimate_micro_usd,
    possibly_billed_micro_usd, unpriced_attempts, files
FROM jobs WHERE seq = :seq
