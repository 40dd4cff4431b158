INSERT INTO copied (made_at) VALUES (:made_at)
