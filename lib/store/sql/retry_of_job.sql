SELECT seq FROM jobs WHERE retry_of = :id
