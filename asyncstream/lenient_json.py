"""Read JSON as a lenient reader does, and write it compactly: JSON bytes to plain values and back. Pure.

Reading allows lone surrogates; bad UTF-8 becomes U+FFFD; NaN, Infinity and numbers that no float holds are null. It
knows no types: what a value must be is `decoding`'s business, which is above it and hands its names on. Below it:
`nesting`.

Rule 1: nothing here raises but `UnreadableJSON`.
"""

import json
from functools import cache

from asyncstream.nesting import MAX_DEPTH, nested_too_deep

__all__ = [
    "UnreadableJSON",
    "dump_json",
    "dump_raw",
    "has_constants",
    "has_halves",
    "load_json",
    "refuse_depth",
    "split_first_json",
]


class UnreadableJSON(ValueError):
    """The bytes are no JSON, or JSON of another kind than the type. Callers say it in the package's own errors."""


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ASCII_ENCODER = json.JSONEncoder(separators=(",", ":"))
"""Kept, as the decoder is: `json.dumps` and `json.loads` make one for each call, which is half of a short one."""


def load_json(data: bytes, *, exact: bool = False) -> object:
    """Read JSON as a lenient reader does: bad UTF-8 is U+FFFD, lone surrogates stay, NaN and Infinity are null.

    Args:
        data: The JSON.
        exact: Whether NaN and Infinity, which Python's own writer writes, are no JSON.

    Raises:
        UnreadableJSON: It is no JSON, is nested too deep, or has a number too long to read.
    """
    refuse_depth(data)
    try:
        return _lenient_decoder(exact).decode(data.decode("utf-8", "replace"))
    except RecursionError as error:
        raise UnreadableJSON("nested too deep") from error
    except ValueError as error:
        raise UnreadableJSON(str(error)) from error


def split_first_json(data: bytes) -> tuple[bytes, bytes]:
    """Return the JSON that some bytes begin with, in UTF-8, and what stands behind it.

    Raises:
        UnreadableJSON: They begin with no JSON.
    """
    refuse_depth(data)
    text = data.decode("utf-8", "replace").lstrip()
    try:
        _, end = _lenient_decoder(False).raw_decode(text)
    except RecursionError as error:
        raise UnreadableJSON("nested too deep") from error
    except ValueError as error:
        raise UnreadableJSON(str(error)) from error
    return text[:end].encode(), text[end:].encode()


def has_constants(data: bytes) -> bool:
    """Tell whether bytes that `load_json` has read hold NaN or Infinity where a value stands."""
    if b"NaN" not in data and b"Infinity" not in data:
        return False
    try:
        load_json(data, exact=True)
    except UnreadableJSON:
        return True
    return False


@cache
def _lenient_decoder(exact: bool) -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=_reject_constant if exact else _absent_constant, parse_float=_finite)


def refuse_depth(data: bytes) -> None:
    """Raise `UnreadableJSON` for what is nested too deep."""
    # Before any decoder sees it: how deep these go, and how they fail, is another on each Python.
    if nested_too_deep(data):
        raise UnreadableJSON(f"nested deeper than {MAX_DEPTH} levels")


def has_halves(value: object) -> bool:
    """Tell whether a value from `load_json` holds half a surrogate pair anywhere."""
    try:
        dump_json(value).encode()
    except UnicodeEncodeError:
        return True
    return False


def dump_json(value: object) -> str:
    """Write JSON compactly, key order kept, non-ASCII and lone surrogates as they are.

    Raises:
        UnreadableJSON: It is nested too deep to be written.
    """
    try:
        return _ENCODER.encode(value)
    except RecursionError as error:
        raise UnreadableJSON("nested too deep") from error


def dump_raw(value: object) -> bytes:
    """Write JSON compactly to bytes; where it holds half a surrogate pair, all that is not ASCII is escaped."""
    try:
        return dump_json(value).encode()
    except UnicodeEncodeError:
        return _ASCII_ENCODER.encode(value).encode()


def _reject_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _absent_constant(_name: str) -> object:
    return None


def _finite(digits: str) -> float | None:
    """Read a number; one that no float can hold (1e400) counts as absent, for infinity cannot be written as JSON."""
    number = float(digits)
    return number if abs(number) < float("inf") else None
