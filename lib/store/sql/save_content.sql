INSERT INTO output_contents (job_seq, idx, content) VALUES (:job_seq, :idx, :content)
ON CONFLICT (job_seq, idx) DO UPDATE SET content = excluded.content
