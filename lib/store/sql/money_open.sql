-- What is not decided, of all days: the rows of the index money_open.
SELECT ifnull(sum(reserved_micro_usd), 0) AS reserved_micro_usd,
    ifnull(sum(possible_micro_usd), 0) AS possible_micro_usd
FROM money_days INDEXED BY money_open
WHERE reserved_micro_usd > 0 OR possible_micro_usd > 0
