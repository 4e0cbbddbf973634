"""A package, because `accumulators` has files of the same names."""
