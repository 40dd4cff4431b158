-- Plain values: with a trigger on the table, a SELECT would be copied into a temporary one first.
INSERT INTO attempts (
    job_seq, number, provider, token, request_id, status_url, response_url, cancel_url,
    intent_at, answered_at, ended_at, outcome, detail, billing, reserved_micro_usd, billed_micro_usd,
    day, input)
VALUES (
    (SELECT seq FROM jobs WHERE id = :job), :number, :provider, :token, :request_id, :status_url,
    :response_url, :cancel_url, :intent_at, :answered_at, :ended_at, :outcome, :detail, :billing,
    :reserved_micro_usd, :billed_micro_usd, :day, :input)
