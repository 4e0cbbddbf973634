"""The exit statuses of ``python -m asyncstream``."""

__all__ = ["DONE", "FAILED", "INCOMPLETE", "INTERRUPTED", "OUTPUT_CLOSED", "WRONG_USAGE"]

DONE = 0
FAILED = 1
WRONG_USAGE = 2
INCOMPLETE = 3
"""The model stopped before its answer was whole, or refused."""
# 128 plus the number of the signal, as shells report it; SIGPIPE is what other programs die of.
INTERRUPTED = 128 + 2
OUTPUT_CLOSED = 128 + 13
