-- Submits of one model, made within a time, that may have been accepted and whose request nobody
-- knows. Asked when a request is about to be adopted, so that its cost (a walk over the model's jobs)
-- is paid rarely; an index for it would be paid for with every submit.
SELECT j.id AS job, a.number, a.provider, a.token, a.request_id, a.status_url, a.response_url,
    a.cancel_url, a.intent_at, a.answered_at, a.ended_at, a.outcome, a.detail, a.billing,
    a.reserved_micro_usd, a.billed_micro_usd, a.day, a.input
FROM jobs AS j CROSS JOIN attempts AS a ON a.job_seq = j.seq
WHERE j.model = :model AND a.provider = :provider AND a.request_id IS NULL
  AND (a.outcome = 'unknown' OR a.outcome = 'intent')
  AND a.intent_at >= :from AND a.intent_at <= :to
