"""The demos of ``python -m asyncstream demo``, one file a protocol; each has a `show(terminal, delay=...)`."""
