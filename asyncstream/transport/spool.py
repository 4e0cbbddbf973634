"""The pieces of a body whose size is not known yet: the first as they came, the others compressed. Pure.

An answer may have 64 MiB; one that goes on for ever is known by its size only, when 64 MiB of it were read. Held as it
came it would cost as much memory as a real answer of that size, for nothing. Endless bodies compress well; JSON does by
three times at least, and the few answers of this size pay for it: some 10 ms a MiB on the way in, and 4 ms a MiB when
they are put together.

Above it: `transport.call`.
"""

import zlib
from collections.abc import Iterator
from typing import Final

__all__ = ["Spool"]

PLAIN: Final = 8 << 20
"""Bytes that are kept as they come: more than any usual answer has."""


_PIECE: Final = 1 << 20
"""Bytes that are unpacked at a time."""


class Spool:
    """Bytes in the order in which they were added.

    Attributes:
        size: How many.
    """

    __slots__ = ("_packed", "_packer", "_pieces", "size")

    def __init__(self) -> None:
        self.size = 0
        self._pieces: list[bytes] = []
        self._packed: list[bytes] = []
        # Made when it is needed: it takes a quarter of a MiB, and most answers are small.
        self._packer: zlib._Compress | None = None

    def add(self, piece: bytes) -> None:
        """Add some bytes."""
        self.size += len(piece)
        if self.size <= PLAIN:
            self._pieces.append(piece)
            return
        if self._packer is None:
            self._packer = zlib.compressobj(1)
        if packed := self._packer.compress(piece):
            self._packed.append(packed)

    def pieces(self) -> Iterator[bytes]:
        """Give all bytes, in pieces, once, at the end. Each is work: between two of them others can have their turn."""
        yield from self._pieces
        if self._packer is None:
            return
        self._packed.append(self._packer.flush())
        unpacker = zlib.decompressobj()
        for packed in self._packed:
            while packed:
                yield unpacker.decompress(packed, _PIECE)
                packed = unpacker.unconsumed_tail
        yield unpacker.flush()

    def beginning(self, size: int) -> bytes:
        """Return the first bytes, at most `PLAIN`, without joining all the others."""
        begin: list[bytes] = []
        room = size
        for piece in self._pieces:
            begin.append(piece[:room])
            room -= len(begin[-1])
            if not room:
                break
        return b"".join(begin)
