"""The list of what the wire got wrong and an accumulator mended. Pure.

A server that makes the same mistake in every event would fill the list: what repeats to the letter is recorded once.
One that makes another mistake in every event would fill it all the same: after the first `MOST_REPAIRS` they are only
counted, and of a long value only the beginning is kept.
"""

from typing import Final

from asyncstream.decoding import Repair, UnreadableJSON, dump_raw

__all__ = ["MOST_RAW", "MOST_REPAIRS", "Repairs"]

MOST_REPAIRS: Final = 1000
"""How many are kept: no recorded stream of a real server has more than a few."""

MOST_RAW: Final = 4096
"""How many bytes of a value are kept: enough to see what it was."""


class Repairs:
    """Repairs in the order they were made, each once.

    Attributes:
        made: The first `MOST_REPAIRS` of them.
        omitted: How many were made after these; what repeats counts each time.
    """

    __slots__ = ("_seen", "made", "omitted")

    def __init__(self) -> None:
        self.made: list[Repair] = []
        self.omitted = 0
        self._seen: set[Repair] = set()

    def add(self, rule: str, where: str, value: object) -> None:
        """Record a repair of a JSON value; bytes are recorded as they are."""
        if len(self.made) >= MOST_REPAIRS:
            self.omitted += 1
            return
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
        for position, repair in enumerate(repairs):
            if len(self.made) >= MOST_REPAIRS:
                self.omitted += len(repairs) - position
                return
            if len(repair.raw) > MOST_RAW:
                repair = Repair(repair.rule, repair.where, repair.raw[:MOST_RAW])
            if repair not in self._seen:
                self._seen.add(repair)
                self.made.append(repair)
