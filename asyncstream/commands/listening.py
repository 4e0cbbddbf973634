"""What the commands have in common that listen on a port: the option, the wait for Ctrl-C, and why it did not work."""

import asyncio
import contextlib
import errno
import signal
from argparse import ArgumentTypeError

__all__ = ["cannot_listen", "port_number", "until_stopped"]


def port_number(text: str) -> int:
    """Read the option ``--port``.

    Raises:
        ArgumentTypeError: It is no port.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 65535")
    return int(text)


async def until_stopped() -> bool:
    """Wait for Ctrl-C or SIGTERM; tell whether it was Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        stop.set()

    # Without handlers (Windows), Ctrl-C cancels this coroutine instead.
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, interrupt)
        loop.add_signal_handler(signal.SIGTERM, stop.set)
    with contextlib.suppress(asyncio.CancelledError):
        await stop.wait()
    return interrupted


def cannot_listen(error: OSError, host: str, port: int) -> str:
    """Return why a server could not be started, for whoever chose its address."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; choose another with --port, 0 takes a free one"
    # asyncio puts in front of the reason what it was trying.
    return f"cannot listen on {host}, port {port}: {(error.strerror or str(error)).rpartition(': ')[2]}"
