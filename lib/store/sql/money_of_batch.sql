-- All its days. The condition in the words of the index money_of_batch.
SELECT ifnull(sum(submits), 0) AS submits, ifnull(sum(unpriced), 0) AS unpriced,
    ifnull(sum(reserved_micro_usd), 0) AS reserved_micro_usd,
    ifnull(sum(settled_micro_usd), 0) AS settled_micro_usd,
    ifnull(sum(estimated_micro_usd), 0) AS estimated_micro_usd,
    ifnull(sum(possible_micro_usd), 0) AS possible_micro_usd
FROM money_days WHERE batch = :batch AND batch <> ''
