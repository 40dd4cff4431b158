SELECT 'row ' || coalesce(rowid, '(without a number)') || ' of ' || "table" ||
    ' refers to a row of ' || parent || ' that is not there' AS what
FROM pragma_foreign_key_check LIMIT 20
