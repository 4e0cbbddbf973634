"""A body of unknown size is held whole, and costs no more memory than it is worth."""

import os

import pytest

from asyncstream.transport.spool import PLAIN, Spool


def spooled(*pieces: bytes) -> Spool:
    spool = Spool()
    for piece in pieces:
        spool.add(piece)
    return spool


@pytest.mark.parametrize("size", [0, 1, PLAIN - 1, PLAIN, PLAIN + 1, 2 * PLAIN + 5])
def test_all_bytes_come_back_in_their_order(size):
    data = (os.urandom(1000) * (size // 1000 + 1))[:size]
    spool = spooled(*(data[at : at + 300_000] for at in range(0, size, 300_000)))

    assert spool.size == size
    assert spool.beginning(1000) == data[:1000]
    assert b"".join(spool.pieces()) == data


def test_beginning_is_what_there_is():
    assert spooled(b"ab", b"cd").beginning(3) == b"abc"
    assert spooled(b"ab", b"cd").beginning(9) == b"abcd"
    assert spooled().beginning(9) == b""


def test_what_is_over_the_plain_size_is_held_compressed():
    spool = spooled(*[b"x" * 65536] * (4 * PLAIN // 65536))

    assert sum(map(len, spool._pieces)) == PLAIN
    assert sum(map(len, spool._packed)) < PLAIN // 50
