"""The entries of `delta.tool_calls`, in the shape of a dialect: which have the index, the id, the name, and how much of
the arguments. Pure.

Each member of a dialect that is about calls has a table here, from its values to a function that changes the entries of
one call. Below it stands `script`, above it `chunks`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from asyncstream.server.chat.script import ScriptedCall
from asyncstream.server.dialects import ArgumentsForm, CallIdForm, CallIndexForm, ChatDialect, NameForm
from asyncstream.server.state import Wire, new_id

__all__ = ["call_deltas", "legacy_deltas"]

Entries: TypeAlias = list[Wire]

_KEYS = {"function": "arguments", "custom": "input"}
"""Where the text of a call stands, by its type."""


def call_deltas(calls: Sequence[ScriptedCall], dialect: ChatDialect) -> Iterator[Wire]:
    """Yield the deltas of calls that come together.

    By turns means: what opens each call first, in order, then a piece of each as long as there are any.
    """
    rows = [_entries(call, dialect) for call in calls]
    if dialect.by_turns:
        longest = max(map(len, rows))
        ordered = [row[turn] for turn in range(longest) for row in rows if turn < len(row)]
    else:
        ordered = [entry for row in rows for entry in row]
    return ({"tool_calls": [entry]} for entry in ordered)


def legacy_deltas(call: ScriptedCall) -> Iterator[Wire]:
    """Yield the deltas of a call in the older form, which no dialect changes."""
    yield {"function_call": {"name": call.name, "arguments": ""}}
    for piece in call.pieces:
        yield {"function_call": {"arguments": piece}}


def _entries(call: ScriptedCall, dialect: ChatDialect) -> Entries:
    entries = _ARGUMENTS[dialect.arguments](call)
    entries = _NAMES[dialect.names](entries, call)
    entries[0] = {"type": call.kind, **entries[0]}
    entries = _IDS[dialect.call_id](entries, call)
    return _INDEXES[dialect.call_index](entries, call)


def _entry(call: ScriptedCall, text: object) -> Wire:
    return {call.kind: {_KEYS[call.kind]: text}}


# Arguments.


def _pieces(call: ScriptedCall) -> Entries:
    return [_entry(call, piece) for piece in ("", *call.pieces)]


def _object(call: ScriptedCall) -> Entries:
    text = "".join(call.pieces)
    try:
        value: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        value = text
    return [_entry(call, value if isinstance(value, dict) else text)]


_ARGUMENTS: Mapping[ArgumentsForm, Callable[[ScriptedCall], Entries]] = {
    "pieces": _pieces,
    "whole": lambda call: [_entry(call, "".join(call.pieces))],
    "object": _object,
    "repeated": lambda call: [*_pieces(call), _entry(call, "".join(call.pieces))],
    "null_first": lambda call: [_entry(call, None), *_pieces(call)[1:]],
}

# Names.


def _named(entries: Entries, call: ScriptedCall, names: Sequence[str]) -> Entries:
    named = [
        {**entry, call.kind: {"name": name, **entry[call.kind]}} for entry, name in zip(entries, names, strict=False)
    ]
    return named + entries[len(named) :]


def _split_name(entries: Entries, call: ScriptedCall) -> Entries:
    """Give half of the name to the first entry and half to one behind it, before any of the arguments."""
    half = (len(call.name) + 1) // 2
    opening = _entry(call, None if entries[0][call.kind][_KEYS[call.kind]] is None else "")
    whole = len(entries) == 1
    entries = [opening, *entries] if whole else [opening, dict(opening), *entries[1:]]
    return _named(entries, call, [call.name[:half], call.name[half:]])


_NAMES: Mapping[NameForm, Callable[[Entries, ScriptedCall], Entries]] = {
    "first": lambda entries, call: _named(entries, call, [call.name]),
    "every": lambda entries, call: _named(entries, call, [call.name] * len(entries)),
    "empty": lambda entries, call: _named(entries, call, [call.name, *[""] * (len(entries) - 1)]),
    "split": _split_name,
}

# Ids and indexes.

_IDS: Mapping[CallIdForm, Callable[[Entries, ScriptedCall], Entries]] = {
    "first": lambda entries, call: [{"id": call.id, **entries[0]}, *entries[1:]],
    "every": lambda entries, call: [{"id": call.id, **entry} for entry in entries],
    "empty": lambda entries, call: [
        {"id": call.id if place == 0 else "", **entry} for place, entry in enumerate(entries)
    ],
    "late": lambda entries, call: [*entries[:-1], {"id": call.id, **entries[-1]}],
    "absent": lambda entries, _: entries,
    "changing": lambda entries, call: [
        {"id": call.id if place == 0 else new_id("call"), **entry} for place, entry in enumerate(entries)
    ],
}

_INDEXES: Mapping[CallIndexForm, Callable[[Entries, ScriptedCall], Entries]] = {
    "each": lambda entries, call: [{"index": call.number, **entry} for entry in entries],
    "absent": lambda entries, _: entries,
    "null": lambda entries, _: [{"index": None, **entry} for entry in entries],
    "reused": lambda entries, _: [{"index": 0, **entry} for entry in entries],
    "from_one": lambda entries, call: [{"index": call.number + 1, **entry} for entry in entries],
    "text": lambda entries, call: [{"index": str(call.number), **entry} for entry in entries],
}
