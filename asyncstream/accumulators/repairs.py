"""The list of what the wire got wrong and an accumulator mended. Pure.

A server that makes the same mistake in every event would fill the list: what repeats to the letter is recorded once.
"""

from asyncstream.decoding import Repair, UnreadableJSON, dump_raw

__all__ = ["Repairs"]


class Repairs:
    """Repairs in the order they were made, each once."""

    __slots__ = ("_seen", "made")

    def __init__(self) -> None:
        self.made: list[Repair] = []
        self._seen: set[Repair] = set()

    def add(self, rule: str, where: str, value: object) -> None:
        """Record a repair of a JSON value; bytes are recorded as they are."""
        if isinstance(value, bytes):
            raw = value
        else:
            try:
                raw = dump_raw(value)
            except UnreadableJSON:
                raw = b""
        self.extend((Repair(rule, where, raw),))

    def extend(self, repairs: tuple[Repair, ...]) -> None:
        """Record repairs that the decoder made."""
        for repair in repairs:
            if repair not in self._seen:
                self._seen.add(repair)
                self.made.append(repair)
