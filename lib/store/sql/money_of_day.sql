SELECT provider, model, batch, submits, unpriced, reserved_micro_usd, settled_micro_usd,
    estimated_micro_usd, possible_micro_usd
FROM money_days WHERE day = :day
