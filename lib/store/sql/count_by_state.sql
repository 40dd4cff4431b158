-- At most one row a state, kept by triggers.
SELECT state, jobs FROM state_counts WHERE jobs > 0
