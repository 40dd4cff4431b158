SELECT seq FROM jobs WHERE seq > :after ORDER BY seq LIMIT :limit
