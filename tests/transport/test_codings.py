"""Content codings are taken off in bounded pieces, and a body that is cut or is not in its coding is told."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncstream.transport.codings import (
    PIECE,
    BrokenCoding,
    Unpacker,
    coding_of,
    unpacker_for,
    unreadable_coding,
)


def packed(coding: str, data: bytes) -> bytes:
    bits = {"gzip": 31, "x-gzip": 31, "deflate": 15, "raw": -15}[coding]
    packer = zlib.compressobj(wbits=bits)
    return packer.compress(data) + packer.flush()


def unpacked(coding: str, *chunks: bytes) -> list[bytes]:
    unpacker = Unpacker(coding)
    pieces = []
    for chunk in chunks:
        unpacker.feed(chunk)
        while piece := unpacker.take():
            pieces.append(piece)
    unpacker.end()
    return pieces


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_coding_is_taken_off_however_the_bytes_are_cut(coding, size):
    data = bytes(range(256)) * 40

    assert b"".join(unpacked(coding, *cut(packed(coding, data), size))) == data


@pytest.mark.parametrize("size", [1, 100])
def test_deflate_without_its_frame_is_read_too(size):
    assert b"".join(unpacked("deflate", *cut(packed("raw", b"hello" * 50), size))) == b"hello" * 50


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_pieces_are_bounded_and_none_is_lost(coding, size):
    pieces = unpacked(coding, *cut(packed(coding, b"x" * (5 * PIECE + 3)), size))

    assert max(map(len, pieces)) <= PIECE
    assert b"".join(pieces) == b"x" * (5 * PIECE + 3)


@pytest.mark.parametrize("size", [1, 5, 1 << 20])
def test_members_of_a_gzip_body_follow_each_other(size):
    body = b"".join(gzip.compress(b"%d " % number) for number in range(300))

    assert b"".join(unpacked("gzip", *cut(body, size))) == b"".join(b"%d " % number for number in range(300))


@pytest.mark.parametrize("size", [1, 1 << 20])
@pytest.mark.parametrize(("coding", "rest"), [("gzip", b"\0" * 600), ("gzip", b"rest"), ("deflate", b"rest")])
def test_what_follows_a_whole_body_is_not_read(coding, size, rest):
    assert b"".join(unpacked(coding, *cut(packed(coding, b"hello") + rest, size))) == b"hello"


def test_what_was_flushed_can_be_read_at_once():
    packer = zlib.compressobj(wbits=31)
    unpacker = Unpacker("gzip")
    for word in (b"one", b"two"):
        unpacker.feed(packer.compress(word) + packer.flush(zlib.Z_SYNC_FLUSH))

        assert unpacker.take() == word
        assert unpacker.take() == b""


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_body_that_is_cut_gives_what_came_and_then_an_error(coding):
    unpacker = Unpacker(coding)
    packer = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
    unpacker.feed(packer.compress(b"hello") + packer.flush(zlib.Z_SYNC_FLUSH))

    assert unpacker.take() == b"hello"
    with pytest.raises(BrokenCoding, match=f"in the middle of its {coding} coding"):
        unpacker.end()


@pytest.mark.parametrize("first", [PIECE - 1, PIECE, PIECE + 1, 5 * PIECE])
@pytest.mark.parametrize("step", [1000, 1 << 20])
def test_member_after_a_large_one_is_read_and_missed(first, step):
    whole = packed("gzip", b"a" * first) + packed("gzip", b"b" * 300)

    assert b"".join(unpacked("gzip", *cut(whole, step))) == b"a" * first + b"b" * 300
    with pytest.raises(BrokenCoding):
        unpacked("gzip", *cut(whole[:-5], step))


def test_what_follows_padding_is_not_read_either():
    assert unpacked("gzip", packed("gzip", b"hello") + b"xx", b"\x1f more") == [b"hello"]


def test_second_member_that_is_cut_is_an_error_too():
    with pytest.raises(BrokenCoding, match="in the middle"):
        unpacked("gzip", gzip.compress(b"hello") + gzip.compress(b"world")[:-1])


def test_empty_body_is_empty_in_any_coding():
    assert unpacked("gzip") == unpacked("deflate", b"") == []


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_bytes_of_no_coding_are_an_error(coding):
    with pytest.raises(BrokenCoding, match=f"it is no {coding}: "):
        unpacked(coding, b"\x07plain text")


def test_wrong_checksum_is_an_error():
    body = bytearray(gzip.compress(b"hello"))
    body[-5] ^= 1

    with pytest.raises(BrokenCoding, match="it is no gzip"):
        unpacked("gzip", bytes(body))


@given(st.lists(st.binary(max_size=200), max_size=5), st.integers(1, 60), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_come_out_as_they_went_in(parts, size, coding):
    data = b"".join(parts)
    body = b"".join(map(gzip.compress, parts)) if coding == "gzip" else packed("deflate", data)

    assert b"".join(unpacked(coding, *cut(body, size))) == data


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_nothing_else_is_raised(data, coding):
    try:
        unpacked(coding, data)
    except BrokenCoding:
        pass


@pytest.mark.parametrize(
    ("value", "coding", "unreadable"),
    [
        (None, "", None),
        ("", "", None),
        ("identity", "", None),
        (" GZIP ", "gzip", None),
        ("deflate", "deflate", None),
        ("br", "br", "br"),
        ("zstd", "zstd", "zstd"),
        ("gzip, gzip", "gzip, gzip", "gzip, gzip"),
    ],
)
def test_coding_is_read_from_the_header(value, coding, unreadable):
    headers = {} if value is None else {"content-encoding": value}

    assert coding_of(headers) == coding
    assert unreadable_coding(headers) == unreadable
    assert (unpacker_for(headers) is None) == (coding not in ("gzip", "deflate"))
