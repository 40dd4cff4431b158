-- An inbox that an older daemon made.
ALTER TABLE jobs ADD COLUMN unchecked INTEGER
