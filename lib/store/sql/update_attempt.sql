-- provider, token, intent_at and input were durable before the request left and stay as they were.
UPDATE attempts SET
    request_id = :request_id, status_url = :status_url, response_url = :response_url,
    cancel_url = :cancel_url, answered_at = :answered_at, ended_at = :ended_at,
    outcome = :outcome, detail = :detail, billing = :billing,
    reserved_micro_usd = :reserved_micro_usd, billed_micro_usd = :billed_micro_usd, day = :day
WHERE job_seq = (SELECT seq FROM jobs WHERE id = :job) AND number = :number
