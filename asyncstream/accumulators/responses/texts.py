"""One text of an answer: opened with some of it, grown by deltas, said once more when it is done. Pure.

Rules 9.13 and 9.14 are decided here and nowhere else: what of a text was told, and what of the next one is new. Used
for the parts of messages and reasoning, and by calls for arguments, code, diffs and commands.
"""

from collections.abc import Sequence

from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.repairs import Repairs

__all__ = ["GrowingText"]


class GrowingText:
    """A text, and how much of it was told.

    Attributes:
        fragments: The text so far.
        untold: It stands there from an opening payload, and nobody was told of it yet.
    """

    __slots__ = ("_placeholder", "fragments", "untold")

    def __init__(self) -> None:
        self.fragments = Fragments()
        self.untold = False
        # It may only stand where something is going to be: the first delta takes its place, whatever it is.
        self._placeholder = False

    def __bool__(self) -> bool:
        return bool(self.fragments)

    def open_with(self, text: str, *, placeholder: bool = False) -> None:
        """Take the text of an opening payload, unless there is some already."""
        if text and not self.fragments:
            self.fragments.replace(text)
            self.untold = True
            self._placeholder = placeholder

    def add(self, delta: str) -> Sequence[str]:
        """Join a delta that is not empty; return what is to be told, in order."""
        if not self.untold:
            self.fragments.append(delta)
            return (delta,)
        self.untold = False
        opening = self.fragments.raw()
        if self._placeholder or opening.startswith(delta) or delta.startswith(opening):
            self.fragments.replace(delta)
            return (delta,)
        self.fragments.append(delta)
        return (opening, delta)

    def complete(self, text: str, repairs: Repairs, where: str) -> str:
        """Take the text of a done payload, which counts more than what was joined; return what of it was not told."""
        if not text:
            return ""
        told = "" if self.untold else self.fragments.raw()
        self.untold = False
        rest = _rest(text, told)
        if rest is None:
            repairs.add("9.14", where, text)
            rest = ""
        if rest or text != told:
            self.fragments.replace(text)
        return rest

    def tell(self) -> str:
        """Return what stands there untold: from now on it is told."""
        if not self.untold:
            return ""
        self.untold = False
        return self.fragments.raw()

    def end(self, ended: bool = True) -> None:
        """Expect nothing more: half a pair at the end is shown; or expect more after all."""
        self.fragments.ended = ended

    def text(self) -> str:
        """Return what can be shown of it."""
        return self.fragments.text()


def _rest(text: str, told: str) -> str | None:
    """Return how a text goes on after what was told of it; None if it says something else."""
    if text.startswith(told):
        return text[len(told) :]
    if told.isascii():
        return None
    # Halves that came apart are a character here, and the last may lack its other half still.
    units, before = (one.encode("utf-16-le", "surrogatepass") for one in (text, told))
    return units[len(before) :].decode("utf-16-le", "surrogatepass") if units.startswith(before) else None
