SELECT max(made_at) AS made_at FROM copied
