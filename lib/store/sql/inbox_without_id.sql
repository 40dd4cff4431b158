SELECT EXISTS (
    SELECT 1 FROM jobs WHERE (id IS NULL OR id = '') AND (error IS NULL OR error = ''))
