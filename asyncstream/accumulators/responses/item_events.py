"""What each event does to the items of a response: a table from the names of events to functions. Pure.

Those that bring the response itself, and the sound of a spoken answer, are the accumulator's. Each function is given
the items, the payload as the wire sent it, and a list for its changes. What an event is about is there, and is of its
kind: a payload without it is none of these events. Above it: `accumulator`; below it: `output`.
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

__all__ = ["FOLDS", "fold_event"]

Sink: TypeAlias = ChangeSink[ItemChange]
Grown: TypeAlias = GrowingPart | ItemText | None
"""The text that an event added to, if the next event of its kind can only add to it."""

ItemFold: TypeAlias = Callable[[Output, JSONObject, Sink], Grown]


# Items.


def _added(output: Output, payload: JSONObject, changes: Sink) -> None:
    item = dict_of(payload.get("item"))
    output.of_added(item, index_of(payload.get("output_index"))).fold_opening(item, changes)


def _done(output: Output, payload: JSONObject, changes: Sink) -> None:
    item = dict_of(payload.get("item"))
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


_OUTPUT_TEXT: Final = _Text("message", TEXT, "content_index", "text")
_REFUSAL: Final = _Text("message", REFUSAL, "content_index", "refusal")
_THOUGHT: Final = _Text("reasoning", REASONING_TEXT, "content_index", "text")
_SUMMARY: Final = _Text("reasoning", SUMMARY, "summary_index", "text")


def _part_of(item: GrowingItem, kind: str, index: int | None, *, settles: bool = False) -> GrowingPart:
    assert isinstance(item, PartsItem)  # the class of each item that these events fit
    parts = item.summary if kind == SUMMARY and isinstance(item, ReasoningItem) else item.content
    return parts.find(kind, index, settles=settles)


def _text_delta(text: _Text, output: Output, payload: JSONObject, changes: Sink) -> Grown:
    item = output.of_event((text.item,), text.item, payload)
    item.open(changes)
    part = _part_of(item, text.kind, index_of(payload.get(text.place)))
    if not part.created:
        output.stamp += 1
    part.add(text_of(payload.get("delta")), payload.get("logprobs"), changes)
    return None if part.text.untold else part


def _text_done(text: _Text, output: Output, payload: JSONObject, changes: Sink) -> None:
    item = output.of_event((text.item,), text.item, payload)
    item.open(changes)
    part = _part_of(item, text.kind, index_of(payload.get(text.place)), settles=True)
    said = {part.field: payload.get(text.whole), "logprobs": payload.get("logprobs")}
    part.fold_done(said, changes)


def _part(done: bool, kinds: tuple[str, ...], output: Output, payload: JSONObject, changes: Sink) -> None:
    said = dict_of(payload.get("part"))
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
    item = output.of_event(("reasoning",), "reasoning", payload)
    item.open(changes)
    part = _part_of(item, SUMMARY, index_of(payload.get("summary_index")), settles=done)
    _fold_part(part, done, dict_of(payload.get("part")), changes)


def _fold_part(part: GrowingPart, done: bool, said: JSONObject, changes: Sink) -> None:
    if done:
        part.fold_done(said, changes)
    else:
        part.open(changes)
        part.fold_opening(said)


def _annotation(output: Output, payload: JSONObject, changes: Sink) -> None:
    item = output.of_event(("message",), "message", payload)
    item.open(changes)
    part = _part_of(item, TEXT, index_of(payload.get("content_index")), settles=True)
    if not part.created:
        output.stamp += 1
    part.annotate(index_of(payload.get("annotation_index")), dict_of(payload.get("annotation")), changes)


# Calls.


def _arguments_delta(new: str, output: Output, payload: JSONObject, changes: Sink) -> Grown:
    delta = payload.get("delta")
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
    item = _text_item(kind, output, payload, changes)
    item.text.add(text_of(payload.get("delta")), changes)
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
    text = text_of(payload.get("delta" if how == "delta" else "command"))
    item = output.of_event(("shell_call",), "shell_call", payload)
    assert isinstance(item, ShellItem)  # the class of an item of this type
    item.open(changes)
    command = item.command(index_of(payload.get("command_index")))
    if how == "added":
        command.text.open_with(text)
    elif how == "delta":
        command.add(text, changes)
    else:
        command.complete(text, changes)


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
    kind = "image_generation_call"
    item = output.of_event((kind,), kind, payload)
    assert isinstance(item, PictureItem)  # the class of an item of this type
    item.open(changes)
    item.show(index_of(payload.get("partial_image_index")), text_of(payload.get("partial_image_b64")), changes)


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


FOLDS: Final[dict[str, ItemFold]] = {
    "response.output_item.added": _added,
    "response.output_item.done": _done,
    "response.output_text.annotation.added": _annotation,
    "response.image_generation_call.partial_image": _partial_image,
    "response.compaction.compacting": partial(_state, "compaction", "compacting"),
    "response.output_text.delta": partial(_text_delta, _OUTPUT_TEXT),
    "response.output_text.done": partial(_text_done, _OUTPUT_TEXT),
    "response.refusal.delta": partial(_text_delta, _REFUSAL),
    "response.refusal.done": partial(_text_done, _REFUSAL),
    "response.reasoning_text.delta": partial(_text_delta, _THOUGHT),
    "response.reasoning_text.done": partial(_text_done, _THOUGHT),
    "response.reasoning_summary_text.delta": partial(_text_delta, _SUMMARY),
    "response.reasoning_summary_text.done": partial(_text_done, _SUMMARY),
    "response.content_part.added": partial(_part, False, ("message", "reasoning")),
    "response.content_part.done": partial(_part, True, ("message", "reasoning")),
    "response.reasoning_part.added": partial(_part, False, ("reasoning",)),
    "response.reasoning_part.done": partial(_part, True, ("reasoning",)),
    "response.reasoning_summary_part.added": partial(_summary_part, False),
    "response.reasoning_summary_part.done": partial(_summary_part, True),
    "response.function_call_arguments.delta": partial(_arguments_delta, "function_call"),
    "response.function_call_arguments.done": partial(_arguments_done, "function_call"),
    "response.custom_tool_call_input.delta": partial(_arguments_delta, "custom_tool_call"),
    "response.custom_tool_call_input.done": partial(_arguments_done, "custom_tool_call"),
    "response.mcp_call_arguments.delta": partial(_arguments_delta, "mcp_call"),
    "response.mcp_call_arguments.done": partial(_arguments_done, "mcp_call"),
    "response.code_interpreter_call_code.delta": partial(_own_text_delta, "code_interpreter_call"),
    "response.code_interpreter_call_code.done": partial(_own_text_done, "code_interpreter_call", "code"),
    "response.apply_patch_call_operation_diff.delta": partial(_own_text_delta, "apply_patch_call"),
    "response.apply_patch_call_operation_diff.done": partial(_own_text_done, "apply_patch_call", "diff"),
    "response.shell_call_command.added": partial(_command, "added"),
    "response.shell_call_command.delta": partial(_command, "delta"),
    "response.shell_call_command.done": partial(_command, "done"),
    "response.shell_call_output_content.delta": partial(_printed, False),
    "response.shell_call_output_content.done": partial(_printed, True),
    **{f"response.{kind}.{word}": partial(_state, kind, word) for kind in _STATED for word in _STATES},
}
"""What each event does to the items, by its name of today."""


def fold_event(name: str, output: Output, payload: JSONObject, changes: Sink) -> Grown:
    """Fold an event; return the text that it added to, if the next event of its kind can only add to it."""
    return FOLDS[name](output, payload, changes)
