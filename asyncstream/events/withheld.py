"""What of a protocol's events is not for browsers: the shape of the table that each protocol brings. Pure, no code.

A reader sees what the answer is, not what the application told the model. Each protocol's table is in a file of its
name beside its events and stands in its `Wire`; `relay.withholding` obeys it without knowing whose it is.
"""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["TOLD", "Withheld"]

TOLD = frozenset({"additional_instructions", "instructions", "metadata", "tool_resources", "tools"})
"""What an application tells a model or notes for itself, under the names that all protocols have for it."""


class Withheld(NamedTuple):
    """What of the events of a protocol is left out of what a relay sends, unless it is exposed."""

    members: Mapping[str, frozenset[str]]
    """The name of an event ("" if it has none) -> the members left out of its payload and of all objects inside it.

    Payloads of events that are not here go out as they came.
    """
    answers: frozenset[str]
    """Members that hold what a model or a tool wrote, which may be JSON with any keys: they stay as they are."""
    texts: Mapping[str, frozenset[str]]
    """The name of an event -> the members whose text is mostly all that tells its payload from the one before it.

    Of these events there is one for each word of the answer: what is like one that was looked at costs next to nothing.
    """
    number: str = ""
    """The member that counts the events, which may differ too where it stands before the text; "" if none does."""

    @property
    def names(self) -> frozenset[str]:
        """Every member that is left out of some event: what may be exposed."""
        return frozenset().union(*self.members.values())
