SELECT job_seq, idx FROM outputs WHERE path = :path
