SELECT j.id AS job, a.number, a.provider, a.token, a.request_id, a.status_url, a.response_url,
    a.cancel_url, a.intent_at, a.answered_at, a.ended_at, a.outcome, a.detail, a.billing,
    a.reserved_micro_usd, a.billed_micro_usd, a.day, a.input
FROM jobs AS j CROSS JOIN attempts AS a ON a.job_seq = j.seq
WHERE j.id = :job ORDER BY a.number
