"""The events of a response in the shape of a dialect: which come, with which ids and numbers. Pure, but for ids.

Each member of a dialect has a function here, or a table from its values to functions, which takes an event in OpenAI's
shape and gives it as this kind of server sends it, None for an event that it does not send. They never change what they
get: it is part of the response.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from asyncstream.server.actions import ErrorEvent
from asyncstream.server.responses_dialects import FailureForm, IdForm, IndexForm, ResponsesDialect, ThinkingForm
from asyncstream.server.state import Wire, new_id

__all__ = ["Shaper", "Shaping"]

Shaping: TypeAlias = Callable[[Wire], Wire | None]
"""What makes an event of a dialect of one of OpenAI's."""
_Row: TypeAlias = Callable[[Wire], Iterable[Wire]]
"""What makes several events of one, or keeps it back."""

_INDEXES = ("output_index", "content_index", "summary_index")


class Shaper:
    """Gives the events of one response the shape of a dialect.

    Attributes:
        aliases: The ids of the response and of its calls that only the dialect knows, with the real ones.
    """

    def __init__(self, dialect: ResponsesDialect, model: str) -> None:
        self._dialect = dialect
        self._number = 0
        self.aliases: dict[str, str] = {}
        self._steps: list[Shaping] = [
            _thinking(dialect.thinking),
            _IDS[dialect.ids](self.aliases),
            _INDEXING[dialect.indexes](),
            _ending(dialect),
        ]
        self._rows: list[_Row] = []
        if dialect.lost_text:
            self._rows.append(_lost_text())
        if dialect.whole_arguments:
            self._rows.append(_whole_arguments)
        if dialect.model_everywhere:
            self._steps.append(lambda event: {**event, "model": model})

    def shape(self, event: Wire) -> Iterator[Wire]:
        """Yield what is sent for an event in OpenAI's shape."""
        if event["type"] == "response.created" and self._dialect.rate_limits:
            yield _rate_limits()
        events = [event]
        for row in self._rows:
            events = [made for one in events for made in row(one)]
        for one in events:
            shaped = None if one["type"] in self._dialect.without else self._step(one)
            if shaped is not None:
                yield self._numbered(shaped)

    def fail(self, action: ErrorEvent, failed: Wire) -> Iterator[Wire]:
        """Yield what is sent for an error.

        Args:
            action: The error.
            failed: The event that says that the response failed.
        """
        error = {"type": action.type, "code": action.code, "message": action.message, "param": action.param}
        form = self._dialect.failures or ("nested" if action.nested else "flat")
        for event in _FAILURES[form](error, failed):
            if event is failed:
                yield from self.shape(event)
            else:
                yield self._numbered(event) if "type" in event else event

    def _step(self, event: Wire) -> Wire | None:
        shaped: Wire | None = event
        for step in self._steps:
            shaped = None if shaped is None else step(shaped)
        return shaped

    def _numbered(self, event: Wire) -> Wire:
        numbers = self._dialect.numbers
        number, self._number = self._number, self._number + 1
        if numbers == "absent":
            return event
        return {**event, "sequence_number": number if numbers == "each" else 1}


# Which events there are.


def _whole_arguments(event: Wire) -> Iterable[Wire]:
    if event["type"] == "response.function_call_arguments.delta":
        return
    if event["type"] == "response.function_call_arguments.done":
        delta = {key: value for key, value in event.items() if key not in ("arguments", "name")}
        yield {**delta, "type": "response.function_call_arguments.delta", "delta": event["arguments"]}
    yield event


_TEXT_DONE = ("response.output_text.done", "response.refusal.done", "response.content_part.done")


def _lost_text() -> _Row:
    held: list[Wire] = []
    lost: set[str] = set()

    def row(event: Wire) -> Iterable[Wire]:
        item = event.get("item", {})
        done = event["type"] == "response.output_item.done" and item["type"] == "message"
        if done or event["type"] in _TEXT_DONE:
            held.append(event)
            return
        events = [*held, event]
        if held and event["type"] == "response.output_item.added" and item["type"] == "function_call":
            lost.add(held[0]["item_id"])
            events = [event]
        held.clear()
        yield from (_moved(one, lost) for one in events)

    return row


def _moved(event: Wire, lost: set[str]) -> Wire:
    """Return an event as if the items that were lost had never had an index."""
    if "output_index" in event:
        return {**event, "output_index": event["output_index"] - len(lost)}
    response = event["response"]
    return {**event, "response": {**response, "output": [one for one in response["output"] if one["id"] not in lost]}}


# Reasoning.

_AS_TEXT = {
    "response.reasoning_summary_part.added": "response.content_part.added",
    "response.reasoning_summary_text.delta": "response.reasoning_text.delta",
    "response.reasoning_summary_text.done": "response.reasoning_text.done",
    "response.reasoning_summary_part.done": "response.content_part.done",
}
_AS_OWN_PARTS = {
    **_AS_TEXT,
    "response.reasoning_summary_part.added": "response.reasoning_part.added",
    "response.reasoning_summary_part.done": "response.reasoning_part.done",
}


def _thinking(form: ThinkingForm) -> Shaping:
    match form:
        case "summary":
            return lambda event: event
        case "bare":
            return _bare
        case "text":
            return lambda event: _with_items(_as_text(event, _AS_TEXT), _text_item)
        case "own_parts":
            return lambda event: _with_items(_as_text(event, _AS_OWN_PARTS), _text_item)


def _as_text(event: Wire, names: Mapping[str, str]) -> Wire:
    if event["type"] not in names:
        return event
    shaped = {key: value for key, value in event.items() if key != "summary_index"}
    shaped |= {"type": names[event["type"]], "content_index": event["summary_index"]}
    if "part" in event:
        shaped["part"] = {**event["part"], "type": "reasoning_text"}
    return shaped


def _text_item(item: Wire) -> Wire:
    if item["type"] != "reasoning":
        return item
    return {**item, "summary": [], "content": [{**part, "type": "reasoning_text"} for part in item["summary"]]}


def _bare(event: Wire) -> Wire | None:
    """Leave of reasoning the deltas alone, and in the list at the end a text."""
    kind = event["type"]
    if kind.startswith("response.reasoning_summary_"):
        bare = {key: value for key, value in event.items() if key != "summary_index"}
        return bare if kind.endswith("_text.delta") else None
    if event.get("item", {}).get("type") == "reasoning":
        if kind.endswith(".done"):
            return None
        return {**event, "item": {"id": event["item"]["id"], "type": "reasoning", "status": "in_progress"}}
    return _with_items(event, _bare_item)


def _bare_item(item: Wire) -> Wire:
    if item["type"] != "reasoning":
        return item
    content = [{"type": "output_text", "text": part["text"], "annotations": []} for part in item["summary"]]
    return {"id": item["id"], "type": "reasoning", "status": "completed", "role": "assistant", "content": content}


# Ids.


def _ids_each(aliases: dict[str, str]) -> Shaping:
    def shape(event: Wire) -> Wire:
        shaped = _with_items(event, lambda item: {**item, "id": _another(item["id"])})
        if "item_id" in shaped:
            shaped = {**shaped, "item_id": _another(shaped["item_id"])}
        return _renamed(shaped, aliases)

    return shape


def _ids_foreign(aliases: dict[str, str]) -> Shaping:
    """A message has three ids: announced under one, its parts under another, its text and its end under the third."""
    announced: dict[str, str] = {}

    def shape(event: Wire) -> Wire:
        kind = event["type"]
        if "response" in event:
            return _renamed(event, aliases)
        if kind == "response.output_item.added":
            item = event["item"]
            return {**event, "item": {**item, "id": _another(item["id"])}} if item["type"] == "message" else event
        if kind.startswith("response.content_part."):
            id = announced.setdefault(event["item_id"], _another(event["item_id"]))
            return {**event, "item_id": id}
        return event

    return shape


def _ids_listed(aliases: dict[str, str]) -> Shaping:
    def relisted(item: Wire) -> Wire:
        other = {**item, "id": _another(item["id"])}
        if "call_id" in item:
            other["call_id"] = _another(item["call_id"])
            aliases[other["call_id"]] = item["call_id"]
        return other

    return lambda event: _with_items(event, relisted) if "response" in event else event


def _ids_temporary(_: dict[str, str]) -> Shaping:
    known: dict[str, str] = {}

    def temporary(id: str) -> str:
        if not id.startswith(("rs_", "msg_")):
            return id
        return known.setdefault(id, id.partition("_")[0] + "_tmp_" + new_id("").removeprefix("_")[:11])

    def shape(event: Wire) -> Wire:
        if "response" in event:
            return event
        shaped = _with_items(event, lambda item: {**item, "id": temporary(item["id"])})
        return {**shaped, "item_id": temporary(shaped["item_id"])} if "item_id" in shaped else shaped

    return shape


def _renamed(event: Wire, aliases: dict[str, str]) -> Wire:
    """Return an event whose response, if there is one, has another id."""
    if "response" not in event:
        return event
    response = event["response"]
    id = _another(response["id"])
    aliases[id] = response["id"]
    return {**event, "response": {**response, "id": id}}


def _another(id: str) -> str:
    return new_id(id.partition("_")[0])


_IDS: Mapping[IdForm, Callable[[dict[str, str]], Shaping]] = {
    "one": lambda _: lambda event: event,
    "each": _ids_each,
    "foreign": _ids_foreign,
    "listed": _ids_listed,
    "temporary": _ids_temporary,
}

# Indexes.


def _counting() -> Shaping:
    places: dict[tuple[object, object], int] = {}

    def shape(event: Wire) -> Wire:
        if "content_index" not in event:
            return event
        place = (event["output_index"], event["content_index"])
        return {**event, "content_index": places.setdefault(place, len(places))}

    return shape


def _misannounced() -> Shaping:
    behind: list[str] = [""]

    def shape(event: Wire) -> Wire:
        if event["type"] != "response.output_item.added":
            return event
        before, behind[0] = behind[0], event["item"]["type"]
        if (before, behind[0]) != ("reasoning", "message"):
            return event
        return {**event, "output_index": event["output_index"] - 1}

    return shape


_INDEXING: Mapping[IndexForm, Callable[[], Shaping]] = {
    "each": lambda: lambda event: event,
    "counting": _counting,
    "misannounced": _misannounced,
    "absent": lambda: lambda event: {key: value for key, value in event.items() if key not in _INDEXES},
}

# The first events and the last.


def _ending(dialect: ResponsesDialect) -> Shaping:
    def shape(event: Wire) -> Wire:
        if "response" not in event:
            return event
        response, kind = event["response"], event["type"]
        if kind in ("response.created", "response.queued", "response.in_progress"):
            if dialect.bare_start:
                response = {key: response[key] for key in ("id", "object", "status")}
            return {**event, "response": response}
        if dialect.listed != "whole":
            response = {**response, "output": [] if dialect.listed == "empty" else None}
        if dialect.always_completed and kind == "response.incomplete":
            kind = "response.completed"
            response = {**response, "status": "completed", "incomplete_details": None}
        return {**event, "type": kind, "response": response}

    return shape


def _with_items(event: Wire, change: Callable[[Wire], Wire]) -> Wire:
    """Return an event with its items changed: its own, and those that its response lists."""
    if "item" in event:
        return {**event, "item": change(event["item"])}
    if event.get("response", {}).get("output"):
        response = event["response"]
        return {**event, "response": {**response, "output": [change(item) for item in response["output"]]}}
    return event


def _rate_limits() -> Wire:
    window = {"used_percent": 12, "window_minutes": 300, "reset_after_seconds": 3600}
    return {"type": "codex.rate_limits", "plan_type": "plus", "rate_limits": {"allowed": True, "primary": window}}


# Errors.


def _nested(error: Wire) -> Wire:
    return {"type": "error", "error": error}


def _flat(error: Wire) -> Wire:
    return {"type": "error", **{key: value for key, value in error.items() if key != "type"}}


_FAILURES: Mapping[FailureForm, Callable[[Wire, Wire], Any]] = {
    "nested_failed": lambda error, failed: (_nested(error), failed),
    "failed_nested": lambda error, failed: (failed, _nested(error)),
    "nested": lambda error, _: (_nested(error),),
    "flat": lambda error, _: (_flat(error),),
    "failed": lambda _, failed: (failed,),
    "object": lambda error, _: ({"error": error},),
    "silent": lambda _, __: (),
}
