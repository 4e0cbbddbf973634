"""What the operating system says of this process: memory, descriptors, and how many it may open. Linux only."""

import os
import resource
from pathlib import Path

__all__ = ["TooFewDescriptors", "descriptors", "peak_rss", "raise_limit", "rss"]


class TooFewDescriptors(Exception):
    """The system does not let this process open as many connections as the measurement needs."""


def rss() -> int:
    """Return the bytes of memory that are held now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak_rss() -> int:
    """Return the most bytes of memory that were ever held since the program began."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def descriptors() -> int:
    """Return how many descriptors are open."""
    # The directory is open while it is read.
    return len(os.listdir("/proc/self/fd")) - 1


def raise_limit(needed: int = 0) -> None:
    """Let this process and its children open as many descriptors as the system allows.

    Raises:
        TooFewDescriptors: These are fewer than needed.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise TooFewDescriptors(f"{needed} descriptors are needed, the hard limit is {hard}: raise it (`ulimit -Hn`)")
