INSERT INTO attempts (
    job_seq, number, provider, token, request_id, status_url, response_url, cancel_url,
    intent_at, answered_at, ended_at, outcome, detail)
SELECT seq, :number, :provider, :token, :request_id, :status_url, :response_url, :cancel_url,
    :intent_at, :answered_at, :ended_at, :outcome, :detail
FROM jobs WHERE id = :job
