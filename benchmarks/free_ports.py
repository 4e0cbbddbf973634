"""Ports of the loopback for servers that must know theirs before they start, or find it again when they come back.

The kernel gives a port that asks for none ("port 0"), and every outgoing connection, one of 32,768 and above. A port
that was found free there is taken by the next connection of anybody, so these are below; each process has a block of
its own, so that processes side by side are not given the same one either.
"""

import socket
from collections.abc import Iterator
from itertools import cycle

__all__ = ["CLUSTER_BUS", "free_port"]

CLUSTER_BUS = 10_000
"""So far above its port a node of a Redis Cluster listens to the others."""

_FIRST, _END = 10_000, 20_000
_BLOCK = 500


def free_port() -> int:
    """Return a port that nobody listens on, nor on the one of its cluster bus; it is given once in about 500 calls.

    Raises:
        RuntimeError: All are taken.
    """
    for _ in range(_BLOCK):
        port = next(_ports)
        if _is_free(port) and _is_free(port + CLUSTER_BUS):
            return port
    raise RuntimeError(f"none of the {_BLOCK} ports of this process is free")


def _of_a_block() -> Iterator[int]:
    """Give the ports of a block again and again; its first one, held, shows other processes that it is taken."""
    for first in range(_FIRST, _END, _BLOCK):
        try:
            held = socket.create_server(("127.0.0.1", first))
        except OSError:
            continue
        with held:
            yield from cycle(range(first + 1, first + _BLOCK))
    raise RuntimeError(f"every block of ports from {_FIRST} to {_END} is taken")


_ports = _of_a_block()


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
