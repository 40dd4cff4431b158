INSERT INTO evidence (job_seq, attempt, kind, received_at, head, clipped, processed, body)
VALUES (:job_seq, :attempt, :kind, :received_at, :head, :clipped, :processed, :body)
