"""A package, because `events` has files of the same names."""
