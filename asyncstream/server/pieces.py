"""How the embedded model cuts what it says into deltas. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

__all__ = ["argument_pieces", "json_text", "marked", "tokens", "words"]


def words(text: str) -> list[str]:
    """Cut text in front of its spaces, as models do: "a", " bit", " of"."""
    return re.findall(r"\s*+\S++|\s++", text)


def marked(pieces: Sequence[str], marks: Sequence[str]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Give each piece of a text, and which marks of citations it completes: their numbers, and where they begin.

    A mark that the text does not hold comes behind it, as a piece of its own.
    """
    whole = "".join(pieces)
    pieces = [*pieces, *(mark for mark in marks if mark not in whole)]
    whole = "".join(pieces)
    starts = [whole.find(mark) for mark in marks]
    # The last first: those that are complete are taken from the end.
    waiting = sorted(range(len(marks)), key=lambda number: -(starts[number] + len(marks[number])))
    size = 0
    for piece in pieces:
        size += len(piece)
        complete = []
        while waiting and starts[waiting[-1]] + len(marks[waiting[-1]]) <= size:
            complete.append(waiting.pop())
        yield piece, [(number, starts[number]) for number in sorted(complete)]


def tokens(text: str) -> list[str]:
    """Cut code or JSON between words and marks."""
    return re.findall(r"\w+|\W+", text)


def json_text(value: Mapping[str, object] | str) -> str:
    """Return arguments as a model writes them: raw text as it is, a mapping as compact JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def argument_pieces(arguments: Mapping[str, object] | str, pieces: Sequence[str] = ()) -> list[str]:
    """Return the deltas of a call's arguments: the scripted ones, or the text cut into tokens."""
    return list(pieces) or tokens(json_text(arguments))
