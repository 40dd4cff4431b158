SELECT seq FROM jobs WHERE state = :state ORDER BY seq LIMIT :limit
