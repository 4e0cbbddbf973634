"""What counts of a payload that is not as the Responses protocol has it; and items out of plain objects. Pure.

Below `responses`, which hands `mend` to the reader of its events; above `responses_deltas`. A fold makes the items that
it shows with `output_item`.

Rule 1: JSON in the place of a text is no text, and counts as absent. Arguments alone may be JSON: they are its text.
"""

from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec
from msgspec import Struct

from asyncstream.decoding import Repair, coerce_json, dump_raw
from asyncstream.events.responses_bases import ResponseLifecycleEvent
from asyncstream.events.responses_deltas import (
    ResponseCustomToolCallInputDeltaEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseMcpCallArgumentsDeltaEvent,
)
from asyncstream.types.responses import Response
from asyncstream.types.responses_items import ResponseOutputItem

__all__ = ["WALKED", "mend", "output_item", "response_of"]

T = TypeVar("T")

WALKED: Final = frozenset({"annotation", "item", "part", "response"})
"""The members of events that hold JSON of any shape."""

_ARGUMENTS: Final = (
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseCustomToolCallInputDeltaEvent,
    ResponseMcpCallArgumentsDeltaEvent,
)

_ABOUT: Final = ("annotation", "delta", "item", "part", "partial_image_b64")
"""The members that an event is about; it has one of them at most."""

_TEXTS: Final = ("code", "command", "diff", "refusal", "text")
"""Members of events, items and parts that are texts."""

_FRAME: Final = frozenset({"response", "sequence_number", "type"})
"""The members of a lifecycle event that are none of the response."""


def mend(kind: type[T], value: dict[str, object]) -> tuple[T, list[Repair]] | None:
    """Fit a payload into the event of its name.

    Returns:
        The event and what was mended in it; None if the payload lacks what the event is about.

    Raises:
        UnreadableJSON: It fits in no way.
    """
    repairs: list[Repair] = []
    if issubclass(kind, ResponseLifecycleEvent):
        value = _with_response(value, repairs)
    about, kinds = _about(cast("type[Struct]", kind))
    if about is not None and not isinstance(value.get(about), kinds):
        return None
    value = _of_texts(value, "$", repairs)
    for name, within in (("part", _of_texts), ("item", _item_of_texts), ("response", _response_of_texts)):
        inner = value.get(name)
        if isinstance(inner, dict):
            value = {**value, name: within(inner, f"$.{name}", repairs)}
    event, mended = coerce_json(kind, value)
    if isinstance(event, _ARGUMENTS) and not isinstance(value["delta"], str):
        event.whole = True
    return event, repairs + mended


def output_item(payload: dict[str, object]) -> ResponseOutputItem:
    """Make an item of its members, as they came or were folded; of a type that nobody knows, an unknown one.

    JSON of no fixed shape in it is the payload's own, not a copy.
    """
    item: ResponseOutputItem = _fit(ResponseOutputItem, payload)
    return item


def response_of(payload: dict[str, object]) -> Response:
    """Make a response of its members, as they came or were folded.

    JSON of no fixed shape in it is the payload's own, not a copy.
    """
    response: Response = _fit(Response, payload)
    return response


def _fit(type: Any, payload: dict[str, object]) -> Any:
    try:
        return msgspec.convert(payload, type)
    except (msgspec.ValidationError, UnicodeError):
        # Half of a surrogate pair has no UTF-8, in which names are compared.
        return coerce_json(type, payload)[0]


@cache
def _about(kind: type[Struct]) -> tuple[str | None, tuple[type, ...]]:
    """Say which member an event is about, and as what it counts."""
    name = next((name for name in _ABOUT if name in kind.__struct_fields__), None)
    if issubclass(kind, _ARGUMENTS):
        return name, (str, dict, list)
    return name, ((str,) if name is not None and kind.__annotations__[name] is str else (dict,))


def _with_response(value: dict[str, object], repairs: list[Repair]) -> dict[str, object]:
    """Return the payload with a response: one without is itself the response (rule 9.4)."""
    response = value.get("response")
    if not isinstance(response, dict):
        response = {name: member for name, member in value.items() if name not in _FRAME}
        repairs.append(Repair("9.4", "$.response", dump_raw(value.get("response"))))
        value = {**value, "response": response}
    if isinstance(value.get("error"), str):
        value = {**value, "error": {"message": value["error"]}}
    if isinstance(response.get("error"), str):
        value = {**value, "response": {**response, "error": {"message": response["error"]}}}
    return value


def _of_texts(value: dict[str, object], where: str, repairs: list[Repair]) -> dict[str, object]:
    """Return a value without what stands in the place of a text and is none."""
    wrong = [name for name in _TEXTS if name in value and not isinstance(value[name], str | None)]
    if not wrong:
        return value
    repairs += [Repair("6.4", f"{where}.{name}", dump_raw(value[name])) for name in wrong]
    return {name: member for name, member in value.items() if name not in wrong}


def _item_of_texts(item: dict[str, object], where: str, repairs: list[Repair]) -> dict[str, object]:
    item = _of_texts(item, where, repairs)
    for name in ("content", "summary"):
        parts = item.get(name)
        if isinstance(parts, list):
            item = {**item, name: [_one_of_texts(part, f"{where}.{name}", repairs) for part in parts]}
    return item


def _one_of_texts(part: object, where: str, repairs: list[Repair]) -> object:
    return _of_texts(part, where, repairs) if isinstance(part, dict) else part


def _response_of_texts(response: dict[str, object], where: str, repairs: list[Repair]) -> dict[str, object]:
    # Its own `text` says what texts are like.
    output = response.get("output")
    if not isinstance(output, list):
        return response
    items = [_item_of_texts(item, f"{where}.output", repairs) if isinstance(item, dict) else item for item in output]
    return {**response, "output": items}
