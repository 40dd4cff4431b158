UPDATE evidence SET processed = 1 WHERE id = :id
