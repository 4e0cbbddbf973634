"""Content codings: which ones can be read, and taking them off in pieces of a bounded size. Pure but for `reader_of`.

aiohttp could take them off too. Asked to, it refuses an answer in a coding that needs a package before its status is
seen, inflates as much at a time as its version likes, and takes a gzip body that was cut for a whole one.

Above it: whatever reads a body, in `transport.call`, `transport.download` and `transport.live`.

Rule 1: however small the input, no more than `PIECE` bytes come out at a time, so that a bomb is met by its reader's
own limit. Rule 2: a body that ends before its coding does is an error.
"""

import asyncio
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import aiohttp

__all__ = ["ACCEPTED", "BrokenCoding", "Unpacker", "coding_of", "reader_of", "unpacker_for", "unreadable_coding"]

ACCEPTED: Final = "gzip, deflate"
"""The codings that are asked for where a compressed answer is of use."""

PIECE: Final = 64 * 1024
"""Bytes that come out at a time: what aiohttp reads from a socket at once has 64 to 256 KiB."""

_SLICE: Final = 4096
"""Bytes that go in at a time: at the end of each gzip member zlib copies what is left of them."""

_WINDOW_BITS: Final = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class BrokenCoding(ValueError):
    """A compressed body is not what its coding says, or ends too soon."""


def coding_of(headers: Mapping[str, str]) -> str:
    """Return the content coding of a response, in lower case; "" if it has none."""
    coding = headers.get("content-encoding", "").strip().lower()
    return "" if coding == "identity" else coding


def unreadable_coding(headers: Mapping[str, str]) -> str | None:
    """Return the coding of a response if nothing here can read it."""
    coding = coding_of(headers)
    return None if not coding or coding in _WINDOW_BITS else coding


class Unpacker:
    """Takes one coding off: feed it, then take until it has no more."""

    __slots__ = ("_coding", "_full", "_input", "_padded", "_position", "_started", "_zlib")

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._zlib = zlib.decompressobj(_WINDOW_BITS[coding])
        self._input = b""
        self._position = 0
        # The last piece was as large as it may be, so that zlib may hold more.
        self._full = False
        self._started = False
        # What followed the last member was dropped, and so is the rest.
        self._padded = False

    def feed(self, data: bytes) -> None:
        """Add bytes of the body."""
        self._input = self._input[self._position :] + data
        self._position = 0

    def take(self) -> bytes:
        """Return the next piece, of at most `PIECE` bytes; b"" if that needs more input.

        Raises:
            BrokenCoding: The bytes are not of this coding.
        """
        while self._full or self._position < len(self._input):
            if self._zlib.eof and not self._next_member():
                break
            given = self._input[self._position : self._position + _SLICE]
            self._position += len(given)
            if given and not self._started:
                self._start(given[0])
            try:
                piece = self._zlib.decompress(given, PIECE)
            except zlib.error as error:
                raise BrokenCoding(f"it is no {self._coding}: {error}") from None
            # At the end of a member zlib may hold the rest in both.
            self._position -= len(self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail)
            self._full = len(piece) == PIECE and not self._zlib.eof
            if piece:
                return piece
        return b""

    def end(self) -> None:
        """Take note that the body has ended.

        Raises:
            BrokenCoding: Its coding has not.
        """
        if self._started and not self._zlib.eof:
            raise BrokenCoding(f"it ended in the middle of its {self._coding} coding")

    def _start(self, first: int) -> None:
        self._started = True
        if self._coding == "deflate" and first & 0x0F != 8:
            # Without the frame that the standard asks for, as some servers of old send it.
            self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)

    def _next_member(self) -> bool:
        """Begin the next member of a gzip body; False if what follows the last one is padding, or anything else."""
        self._padded |= self._coding == "deflate" or self._input[self._position] != 0x1F
        if self._padded:
            self._position = len(self._input)
            return False
        self._zlib = zlib.decompressobj(_WINDOW_BITS[self._coding])
        return True


def unpacker_for(headers: Mapping[str, str]) -> Unpacker | None:
    """Return what takes the coding of a response off; None if it has none, or one that nothing here can read."""
    coding = coding_of(headers)
    return Unpacker(coding) if coding in _WINDOW_BITS else None


def reader_of(response: aiohttp.ClientResponse, begun: Sequence[bytes] = ()) -> Callable[[], Awaitable[bytes]]:
    """Return a function that gives the next piece of a body, its coding taken off; b"" at the end.

    Called, it raises what aiohttp raises for a body that breaks, and `BrokenCoding`.

    Args:
        response: An open response.
        begun: What was read of its body before, as it came.
    """
    readany = _reading_on(response.content.readany, begun) if begun else response.content.readany
    unpacker = unpacker_for(response.headers)
    if unpacker is None:
        return readany

    async def read() -> bytes:
        # What comes out of a few bytes may keep the loop from all else.
        await asyncio.sleep(0)
        while not (piece := unpacker.take()):
            data = await readany()
            if not data:
                unpacker.end()
                return b""
            unpacker.feed(data)
        return piece

    return read


def _reading_on(readany: Callable[[], Awaitable[bytes]], begun: Sequence[bytes]) -> Callable[[], Awaitable[bytes]]:
    before = deque(begun)

    async def read() -> bytes:
        return before.popleft() if before else await readany()

    return read
