-- Compare-and-set: no row when somebody was faster. What the submitter asked for, retry_of and
-- created_at never change.
UPDATE jobs SET
    version = version + 1, provider = :provider, state = :state, reason = :reason, error_code =
    :error_code, error_message = :error_message, attempt = :attempt, billable_attempts =
    :billable_attempts, refusals = :refusals, fetch_failures = :fetch_failures, request_id =
    :request_id, status_url = :status_url, response_url = :response_url, cancel_url =
    :cancel_url, queue_position = :queue_position, progress = :progress, video_url = :video_url,
    cancel_requested = :cancel_requested, restored = :restored, cost_micro_usd = :cost_micro_usd, submitted_at =
    :submitted_at, finished_at = :finished_at, due_at = :due_at, unknown_until = :unknown_until,
    quiet_polls = :quiet_polls, missing_polls = :missing_polls, failed_polls = :failed_polls,
    result_values = :result_values, estimate_micro_usd = :estimate_micro_usd,
    estimate_sure = :estimate_sure, reserved_micro_usd = :reserved_micro_usd,
    cost_by_estimate_micro_usd = :cost_by_estimate_micro_usd,
    possibly_billed_micro_usd = :possibly_billed_micro_usd, unpriced_attempts = :unpriced_attempts,
    files = :files, files_until = :files_until
WHERE seq = :seq AND version = :version
