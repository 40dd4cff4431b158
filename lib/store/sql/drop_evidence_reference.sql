UPDATE events SET evidence = NULL WHERE evidence = :evidence
