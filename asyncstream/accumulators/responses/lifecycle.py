"""What is known of a response besides its items: names, status, usage, how it ended. Pure.

Rules 9.3 to 9.5 and what 9.23 says of the end. Above it: `accumulator`; below it: `payloads`.
"""

from typing import Any, Final

from asyncstream.accumulators.merging import mended
from asyncstream.accumulators.responses.context import Context
from asyncstream.accumulators.responses.payloads import JSONObject, dict_of, merge, name_of
from asyncstream.events.responses_mending import response_of
from asyncstream.types.responses import Response, ResponseUsage

__all__ = ["ENDINGS", "LIFECYCLE", "Lifecycle", "UsageSource", "response_in"]

ENDINGS: Final = frozenset({"completed", "incomplete", "failed", "cancelled", "done"})
"""The last words of the events that end a response."""

LIFECYCLE: Final = {f"response.{word}": word for word in (*sorted(ENDINGS), "created", "queued", "in_progress")}
"""The names of the events that bring the response, and their last words."""

_FOLDED: Final = frozenset({"output", "status", "usage", "error", "incomplete_details", "id", "model"})
"""The members of a response that have rules of their own."""

_OF_EVENT: Final = frozenset({"type", "sequence_number", "response"})
"""The members of an event that are none of a response."""


_MOST_DUE: Final = 16
"""Payloads that wait at most: a server may send one for each piece, and nobody look until the end."""


def response_in(payload: JSONObject) -> JSONObject:
    """Return the response that an event brings; an event without one is itself the response."""
    response = payload.get("response")
    if isinstance(response, dict):
        return response
    return {key: value for key, value in payload.items() if key not in _OF_EVENT}


class Lifecycle:
    """The response as its events tell it."""

    __slots__ = ("_built", "_context", "_due", "_fields", "ended", "error", "shown", "status", "usage")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._fields: JSONObject = {}
        # What is merged into the fields once somebody looks: mostly nobody does before the end.
        self._due: list[JSONObject] = []
        self._built: Response[Any] | None = None
        self.shown = False
        """Whether any event brought the response."""
        self.ended = False
        """Whether an event ended the current response."""
        self.status = ""
        self.error: JSONObject = {}
        self.usage: JSONObject | None = None

    @property
    def id(self) -> str:
        """The id of the current response; "" if none came."""
        return name_of(self._fields.get("id"))

    @property
    def ended_as(self) -> str:
        """What the end is to its items: the status, unless something else says that the response is not whole."""
        cut = self.status == "completed" and "incomplete_details" in self._fields
        return "incomplete" if cut else self.status

    def begins(self, id: str) -> bool:
        """Tell whether a `created` with an id begins a further response (rule 9.3)."""
        return bool(id) and id != self.id and (bool(self.id) or self.ended)

    def begin(self) -> None:
        """Begin a further response."""
        self.ended = False
        self.error = {}
        self._fields.pop("incomplete_details", None)

    def fold(self, word: str, response: JSONObject, payload: JSONObject) -> None:
        """Take what an event says of the response, but for its status and its usage.

        Args:
            word: The last word of its name.
            response: The response in it.
            payload: All of it.
        """
        self._built = None
        self.shown = True
        self.ended = self.ended or word in ENDINGS
        due = response.copy()
        # The items are kept by what folds them.
        due.pop("output", None)
        self._due.append(due)
        if len(self._due) > _MOST_DUE:
            self._merge_due()
        for name in ("id", "model"):
            value = name_of(response.get(name))
            if value:
                self._fields[name] = value
        details = dict_of(response.get("incomplete_details"))
        if details.get("reason"):
            self._fields["incomplete_details"] = details
        error = response.get("error") or payload.get("error")
        if isinstance(error, str):
            error = {"message": error}
        if isinstance(error, dict):
            self.error = error

    def _merge_due(self) -> None:
        for response in self._due:
            merge(self._fields, response, leave=_FOLDED)
        self._due.clear()

    def take_status(self, word: str, response: JSONObject) -> bool:
        """Take the status, or the last word of the event's name where there is none; return whether it is another."""
        status = name_of(response.get("status")) or _WORDS.get(word, word)
        if status == self.status:
            return False
        self._built = None
        self.status = status
        return True

    def take_usage(self, usage: object) -> bool:
        """Take the usage, unless it is nothing but zeros beside one that counts; return whether it is another."""
        if not isinstance(usage, dict) or not usage or usage == self.usage:
            return False
        if self.usage is not None and not _counts(usage) and _counts(self.usage):
            self._context.repairs.add("4.14", "usage", usage)
            return False
        self._built = None
        self.usage = usage
        return True

    def snapshot(self) -> Response[Any]:
        """Build the response without its items; the same struct until something of it is folded."""
        if self._built is None:
            self._merge_due()
            members = {key: value for key, value in self._fields.items() if value is not None}
            if self.status:
                members["status"] = self.status
            if self.error:
                members["error"] = self.error
            if self.usage is not None:
                members["usage"] = self.usage
            self._built = response_of(mended(members, frozenset()) if self._context.halves else members)
        return self._built


_WORDS: Final = {"created": "in_progress", "done": "completed"}
"""The status that an event means whose last word is none."""


class UsageSource:
    """The usage of a response, as a change looks at it."""

    __slots__ = ("_lifecycle",)

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle

    def snapshot(self) -> ResponseUsage:
        """Build it as it is now."""
        usage = self._lifecycle.snapshot().usage
        assert usage is not None  # made by a fold of the usage
        return usage


def _counts(usage: JSONObject) -> bool:
    """Tell whether any number in a usage, at any depth, is not zero: servers send zeros until the end."""
    level: list[object] = [usage]
    while level:
        part = level.pop()
        if isinstance(part, dict):
            level.extend(part.values())
        elif isinstance(part, list):
            level.extend(part)
        elif isinstance(part, int | float) and not isinstance(part, bool) and part:
            return True
    return False
