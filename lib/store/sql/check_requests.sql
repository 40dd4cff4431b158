SELECT 'the request ' || request_id || ' at ' || provider || ' belongs to ' || count(*) ||
    ' attempts' AS what
FROM attempts INDEXED BY attempts_by_request WHERE request_id IS NOT NULL
GROUP BY provider, request_id HAVING count(*) > 1 LIMIT 20
