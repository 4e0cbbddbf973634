"""What each event does to the items of a response: a table from the names of events to functions. Pure.

Those that bring the response itself, and the sound of a spoken answer, are the accumulator's. Each function is given
the items, the payload as the wire sent it, and a list for its changes. Above it: `accumulator`; below it: `output`.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from asyncstream.accumulators.changes import ChangeSink
from asyncstream.accumulators.merging import index_of
from asyncstream.accumulators.responses.calls import CallItem, TextItem, as_arguments
from asyncstream.accumulators.responses.changes import ItemChange
from asyncstream.accumulators.responses.items import GrowingItem, ItemText, PartsItem, ReasoningItem
from asyncstream.accumulators.responses.output import ANY_CALL, Output
from asyncstream.accumulators.responses.parts import REASONING_TEXT, REFUSAL, SUMMARY, TEXT, GrowingPart
from asyncstream.accumulators.responses.payloads import JSONObject, dict_of, fill, list_of, name_of, text_of
from asyncstream.accumulators.responses.pictures import PictureItem
from asyncstream.accumulators.responses.shells import ShellItem, ShellOutputItem

__all__ = ["ITEM_EVENTS", "ItemFold"]

Sink: TypeAlias = ChangeSink[ItemChange]
Grown: TypeAlias = GrowingPart | ItemText | None
"""The text that an event added to, if the next event of its kind can only add to it."""

ItemFold: TypeAlias = Callable[[Output, JSONObject, Sink], Grown]


# Items.


def _added(output: Output, payload: JSONObject, changes: Sink) -> None:
    item = payload.get("item")
    if isinstance(item, dict):
        output.of_added(item, index_of(payload.get("output_index"))).fold_opening(item, changes)


def _done(output: Output, payload: JSONObject, changes: Sink) -> None:
    item = payload.get("item")
    if isinstance(item, dict):
        output.of_done(item, index_of(payload.get("output_index"))).fold_done(item, changes)


# Texts of messages and reasoning.


class _Text(NamedTuple):
    """The texts that a pair of events brings."""

    item: str
    """The type of the item."""
    kind: str
    place: str
    """The member that names the part."""
    whole: str
    """The member that has all of the text."""


_TEXTS: Final = {
    "response.output_text": _Text("message", TEXT, "content_index", "text"),
    "response.refusal": _Text("message", REFUSAL, "content_index", "refusal"),
    "response.reasoning_text": _Text("reasoning", REASONING_TEXT, "content_index", "text"),
    "response.reasoning_summary_text": _Text("reasoning", SUMMARY, "summary_index", "text"),
}


def _part_of(item: GrowingItem, kind: str, index: int | None, *, settles: bool = False) -> GrowingPart:
    assert isinstance(item, PartsItem)  # the class of each item that these events fit
    parts = item.summary if kind == SUMMARY and isinstance(item, ReasoningItem) else item.content
    return parts.find(kind, index, settles=settles)


def _text_delta(text: _Text, output: Output, payload: JSONObject, changes: Sink) -> Grown:
    delta = payload.get("delta")
    if not isinstance(delta, str):
        return None
    item = output.of_event((text.item,), text.item, payload)
    item.open(changes)
    part = _part_of(item, text.kind, index_of(payload.get(text.place)))
    if not part.created:
        output.stamp += 1
    part.add(delta, payload.get("logprobs"), changes)
    return None if part.text.untold else part


def _text_done(text: _Text, output: Output, payload: JSONObject, changes: Sink) -> None:
    item = output.of_event((text.item,), text.item, payload)
    item.open(changes)
    part = _part_of(item, text.kind, index_of(payload.get(text.place)), settles=True)
    said = {part.field: payload.get(text.whole), "logprobs": payload.get("logprobs")}
    part.fold_done(said, changes)


def _part(done: bool, kinds: tuple[str, ...], output: Output, payload: JSONObject, changes: Sink) -> None:
    said = payload.get("part")
    if not isinstance(said, dict):
        return
    if said.get("type") == REASONING_TEXT:
        kinds = ("reasoning",)
    item = output.of_event(kinds, kinds[0], payload)
    item.open(changes)
    index = index_of(payload.get("content_index"))
    assert isinstance(item, PartsItem)  # the class of each item that these events fit
    untyped = None if said.get("type") else item.content.at(index)
    kind = item.part_kind(said) if untyped is None else untyped.kind
    _fold_part(item.content.find(kind, index, settles=done), done, said, changes)


def _summary_part(done: bool, output: Output, payload: JSONObject, changes: Sink) -> None:
    said = payload.get("part")
    if isinstance(said, dict):
        item = output.of_event(("reasoning",), "reasoning", payload)
        item.open(changes)
        part = _part_of(item, SUMMARY, index_of(payload.get("summary_index")), settles=done)
        _fold_part(part, done, said, changes)


def _fold_part(part: GrowingPart, done: bool, said: JSONObject, changes: Sink) -> None:
    if done:
        part.fold_done(said, changes)
    else:
        part.open(changes)
        part.fold_opening(said)


def _annotation(output: Output, payload: JSONObject, changes: Sink) -> None:
    annotation = payload.get("annotation")
    if isinstance(annotation, dict) and annotation:
        item = output.of_event(("message",), "message", payload)
        item.open(changes)
        part = _part_of(item, TEXT, index_of(payload.get("content_index")), settles=True)
        part.annotate(index_of(payload.get("annotation_index")), annotation, changes)


# Calls.


def _arguments_delta(new: str, output: Output, payload: JSONObject, changes: Sink) -> Grown:
    delta = payload.get("delta")
    if not isinstance(delta, str | dict | list):
        return None
    call = _call_of(new, output, payload, changes)
    # An object in the middle of a text is none of it (rule 4.10).
    if isinstance(delta, str) or not call.text.text:
        call.text.add(as_arguments(delta), changes)
    else:
        call.context.repairs.add("9.18", call.key, delta)
    return None if call.text.text.untold else call.text


def _arguments_done(new: str, output: Output, payload: JSONObject, changes: Sink) -> None:
    call = _call_of(new, output, payload, changes)
    value = payload.get("input" if new == "custom_tool_call" else "arguments")
    if value is None:
        value = payload.get("arguments" if new == "custom_tool_call" else "input")
    if value not in ({}, []) or not call.text.text:
        call.text.complete(as_arguments(value), changes)


def _call_of(new: str, output: Output, payload: JSONObject, changes: Sink) -> CallItem:
    call = output.of_event((ANY_CALL,), new, payload)
    assert isinstance(call, CallItem)  # the class of all of these
    fill(call.members, {name: payload.get(name) for name in ("name", "call_id") if name_of(payload.get(name))})
    output.learn_names(call)
    call.open(changes)
    return call


def _own_text_delta(kind: str, output: Output, payload: JSONObject, changes: Sink) -> Grown:
    delta = payload.get("delta")
    if not isinstance(delta, str):
        return None
    item = _text_item(kind, output, payload, changes)
    item.text.add(delta, changes)
    return None if item.text.text.untold else item.text


def _own_text_done(kind: str, member: str, output: Output, payload: JSONObject, changes: Sink) -> None:
    item = _text_item(kind, output, payload, changes)
    item.text.complete(text_of(payload.get(member)), changes)


def _text_item(kind: str, output: Output, payload: JSONObject, changes: Sink) -> TextItem:
    item = output.of_event((kind,), kind, payload)
    assert isinstance(item, TextItem)  # the class of an item of this type
    item.open(changes)
    return item


def _command(how: str, output: Output, payload: JSONObject, changes: Sink) -> None:
    text = payload.get("delta" if how == "delta" else "command")
    if how == "delta" and not isinstance(text, str):
        return
    item = output.of_event(("shell_call",), "shell_call", payload)
    assert isinstance(item, ShellItem)  # the class of an item of this type
    item.open(changes)
    command = item.command(index_of(payload.get("command_index")))
    if how == "added":
        command.text.open_with(text_of(text))
    elif how == "delta":
        command.add(text_of(text), changes)
    else:
        command.complete(text_of(text), changes)


def _printed(done: bool, output: Output, payload: JSONObject, changes: Sink) -> None:
    delta = dict_of(payload.get("delta"))
    if not done and not any(isinstance(delta.get(name), str) for name in ("stdout", "stderr")):
        return
    item = output.of_event(("shell_call_output",), "shell_call_output", payload)
    assert isinstance(item, ShellOutputItem)  # the class of an item of this type
    item.open(changes)
    index = index_of(payload.get("command_index"))
    if done:
        item.complete(index, list_of(payload.get("output")))
    else:
        item.add(index, delta, changes)


def _partial_image(output: Output, payload: JSONObject, changes: Sink) -> None:
    picture = payload.get("partial_image_b64")
    if isinstance(picture, str):
        kind = "image_generation_call"
        item = output.of_event((kind,), kind, payload)
        assert isinstance(item, PictureItem)  # the class of an item of this type
        item.open(changes)
        item.show(index_of(payload.get("partial_image_index")), picture, changes)


def _state(kind: str, word: str, output: Output, payload: JSONObject, changes: Sink) -> None:
    item = output.of_event((kind,), kind, payload)
    item.open(changes)
    item.set_status(word, changes)


_STATED: Final = (
    *("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call"),
    "mcp_list_tools",
)
_STATES: Final = (
    *("in_progress", "searching", "interpreting", "generating", "calling", "completed", "incomplete", "failed"),
)


def _table() -> dict[str, ItemFold]:
    table: dict[str, ItemFold] = {
        "response.output_item.added": _added,
        "response.output_item.done": _done,
        "response.output_text.annotation.added": _annotation,
        "response.image_generation_call.partial_image": _partial_image,
        "response.compaction.compacting": partial(_state, "compaction", "compacting"),
    }
    for name, text in _TEXTS.items():
        table[f"{name}.delta"] = partial(_text_delta, text)
        table[f"{name}.done"] = partial(_text_done, text)
    for word, done in (("added", False), ("done", True)):
        table[f"response.content_part.{word}"] = partial(_part, done, ("message", "reasoning"))
        table[f"response.reasoning_part.{word}"] = partial(_part, done, ("reasoning",))
        table[f"response.reasoning_summary_part.{word}"] = partial(_summary_part, done)
    for name, new in (
        ("function_call_arguments", "function_call"),
        ("custom_tool_call_input", "custom_tool_call"),
        ("mcp_call_arguments", "mcp_call"),
    ):
        table[f"response.{name}.delta"] = partial(_arguments_delta, new)
        table[f"response.{name}.done"] = partial(_arguments_done, new)
    for name, kind, member in (
        ("code_interpreter_call_code", "code_interpreter_call", "code"),
        ("apply_patch_call_operation_diff", "apply_patch_call", "diff"),
    ):
        table[f"response.{name}.delta"] = partial(_own_text_delta, kind)
        table[f"response.{name}.done"] = partial(_own_text_done, kind, member)
    for how in ("added", "delta", "done"):
        table[f"response.shell_call_command.{how}"] = partial(_command, how)
    table["response.shell_call_output_content.delta"] = partial(_printed, False)
    table["response.shell_call_output_content.done"] = partial(_printed, True)
    for kind in _STATED:
        for word in _STATES:
            table[f"response.{kind}.{word}"] = partial(_state, kind, word)
    return table


ITEM_EVENTS: Final = _table()
"""What each event does to the items, by its name of today."""
