"""aioresponses on aiohttp 3.14: since then a `ClientResponse` must be given the `stream_writer` of its request.

aioresponses 0.7.9 does not give one, so each of its answers is a TypeError (its issue 289). For older versions of
aiohttp the argument is unknown, and nothing is needed.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock, patch

import aiohttp
import aioresponses.core

__all__ = ["mocked_aiohttp"]

_NEEDS_WRITER = "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters


class _Response(aiohttp.ClientResponse):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _NEEDS_WRITER:
            kwargs.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **kwargs)


@contextmanager
def mocked_aiohttp() -> Iterator[aioresponses.core.aioresponses]:
    """Answer requests of all aiohttp sessions without a network."""
    with patch.object(aioresponses.core, "ClientResponse", _Response), aioresponses.core.aioresponses() as mock:
        yield mock
