"""Calls of a shell, which are commands, and what the commands printed. Pure.

Rule 9.20: both are joined by the index of the command. Above it: `kinds`; below it: `items`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from asyncstream.accumulators.changes import ChangeSink
from asyncstream.accumulators.responses.changes import ItemChange
from asyncstream.accumulators.responses.items import GrowingItem, ItemText
from asyncstream.accumulators.responses.payloads import JSONObject, dict_of, fill, list_of, merge, text_of
from asyncstream.accumulators.responses.texts import GrowingText

__all__ = ["ShellItem", "ShellOutputItem"]

_STREAMS = ("stdout", "stderr")


class ShellItem(GrowingItem):
    """Commands for a shell."""

    __slots__ = ("_action", "_commands", "_last")

    own = frozenset({"type", "action"})

    def __init__(self, kind: str, **known: Any) -> None:
        super().__init__(kind, **known)
        self._action: JSONObject = {}
        self._commands: dict[int, ItemText] = {}
        self._last = 0

    def command(self, index: int | None) -> ItemText:
        """Find or add the command at an index; without one, the last."""
        self.built = None
        if index is None:
            index = self._last
        self._last = index
        command = self._commands.get(index)
        if command is None:
            command = self._commands[index] = ItemText(self, f"command[{index}]")
        return command

    def fill_texts(self, payload: JSONObject) -> None:
        """Take the commands of an opening payload, if there are none."""
        action = dict_of(payload.get("action"))
        fill(self._action, action, leave=_COMMANDS)
        if not self._commands:
            for index, command in enumerate(_texts(action.get("commands"))):
                self.command(index).text.open_with(command)

    def replace_texts(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take the commands of a done payload: each is the streamed one of its index."""
        action = dict_of(payload.get("action"))
        merge(self._action, action, leave=_COMMANDS)
        commands = _texts(action.get("commands"))
        if commands:
            streamed = self._commands
            if max(streamed, default=0) >= len(commands):
                # It counts in another way: what was streamed is matched in order.
                streamed = dict(enumerate(streamed[index] for index in sorted(streamed)))
            self._commands = {}
            for place, text in enumerate(commands):
                command = streamed.get(place) or ItemText(self, f"command[{place}]")
                self._commands[place] = command
                command.complete(text, changes)
            self._last = len(commands) - 1

    def close_texts(self, changes: ChangeSink[ItemChange]) -> None:
        """Tell what stands there untold."""
        for index in sorted(self._commands):
            self._commands[index].close(changes)

    def texts(self) -> Iterator[GrowingText]:
        """Give the commands."""
        for command in self._commands.values():
            yield command.text

    def plain(self) -> JSONObject:
        """Build the item as the wire would have it."""
        commands = [self._commands[index].text.text() for index in sorted(self._commands)]
        return {**self.members, "action": {**self._action, "commands": commands}}


_COMMANDS = frozenset({"commands"})


def _texts(value: object) -> list[str]:
    return [text_of(one) for one in value] if isinstance(value, list) else []


class _Printed:
    """One entry of what a command printed."""

    __slots__ = ("members", "streams")

    def __init__(self, payload: JSONObject) -> None:
        self.members = payload
        # What grows of it; what an entry came with stands in its members.
        self.streams: dict[str, ItemText] = {}

    def built(self) -> JSONObject:
        return {**self.members, **{name: text.text.text() for name, text in self.streams.items()}}


class ShellOutputItem(GrowingItem):
    """What the commands of a shell call printed."""

    __slots__ = ("_last", "_printed")

    own = frozenset({"type", "output"})

    def __init__(self, kind: str, **known: Any) -> None:
        super().__init__(kind, **known)
        # By command.
        self._printed: dict[int, list[_Printed]] = {}
        self._last = 0

    def add(self, index: int | None, delta: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Join what a command has printed; without an index, the last one."""
        self.built = None
        if index is None:
            index = self._last
        self._last = index
        entry = self._printed.setdefault(index, [_Printed({})])[-1]
        for name in _STREAMS:
            piece = text_of(delta.get(name))
            if not piece:
                continue
            text = entry.streams.get(name)
            if text is None:
                text = entry.streams[name] = ItemText(self, f"{name}[{index}]")
                text.text.fragments.append(text_of(entry.members.get(name)))
            text.add(piece, changes)

    def complete(self, index: int | None, output: Sequence[Any]) -> None:
        """Take what a command printed in all: it replaces what was streamed, and is not told."""
        entries = [_Printed(dict(entry)) for entry in output if isinstance(entry, dict)]
        if entries:
            self.built = None
            self._last = self._last if index is None else index
            self._printed[self._last] = entries

    def fill_texts(self, payload: JSONObject) -> None:
        """Take the output of an opening payload, if there is none."""
        if not self._printed:
            self._print(payload)

    def replace_texts(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take the output of a done payload."""
        self._print(payload)

    def _print(self, payload: JSONObject) -> None:
        output = [entry for entry in list_of(payload.get("output")) if isinstance(entry, dict)]
        if output:
            self._printed = {index: [_Printed(dict(entry))] for index, entry in enumerate(output)}
            self._last = len(output) - 1

    def texts(self) -> Iterator[GrowingText]:
        """Give what grows of it."""
        for entries in self._printed.values():
            for entry in entries:
                for text in entry.streams.values():
                    yield text.text

    def end(self) -> None:
        """Expect nothing more."""
        for text in self.texts():
            text.end()

    def plain(self) -> JSONObject:
        """Build the item as the wire would have it."""
        output = [entry.built() for index in sorted(self._printed) for entry in self._printed[index]]
        return {**self.members, "output": output}
