"""How the embedded model cuts what it says into deltas. Pure."""

import re
from collections.abc import Mapping, Sequence

import msgspec

__all__ = ["argument_pieces", "json_text", "tokens", "words"]


def words(text: str) -> list[str]:
    """Cut text in front of its spaces, as models do: "a", " bit", " of"."""
    return re.findall(r"\s*+\S++|\s++", text)


def tokens(text: str) -> list[str]:
    """Cut code or JSON between words and marks."""
    return re.findall(r"\w+|\W+", text)


def json_text(value: Mapping[str, object] | str) -> str:
    """Return arguments as a model writes them: raw text as it is, a mapping as compact JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def argument_pieces(arguments: Mapping[str, object] | str, pieces: Sequence[str] = ()) -> list[str]:
    """Return the deltas of a call's arguments: the scripted ones, or the text cut into tokens."""
    return list(pieces) or tokens(json_text(arguments))
