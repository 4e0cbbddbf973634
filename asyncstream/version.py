"""The version of the package: what the build reads, and what `User-Agent` and `--version` say.

A constant, because asking `importlib.metadata` for it costs a seventh of the whole import.
"""

__all__ = ["VERSION"]

VERSION = "0.1.0"
