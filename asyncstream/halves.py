"""Halves of surrogate pairs, left in text by servers that cut it between UTF-16 units: mended here alone. Pure.

JSON can hold half a pair, as an escape; UTF-8 cannot: to encode or print it would raise. Used wherever text of a server
goes on: by `sse`, `events`, `accumulators` and `transport`.
"""

__all__ = ["is_high_half", "mend_halves"]


def mend_halves(text: str, *, ended: bool = True) -> str:
    """Join half pairs to characters; a half without partner is U+FFFD, but one at the end is left out until `ended`."""
    if not ended and is_high_half(text[-1:]):
        text = text[:-1]
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def is_high_half(character: str) -> bool:
    """Tell whether a character is the half that comes first, and may still be completed."""
    return "\ud800" <= character <= "\udbff"
