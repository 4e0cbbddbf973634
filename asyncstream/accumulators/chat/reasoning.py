"""Fold what a model thinks aloud: `reasoning_details`, `thinking_blocks`, and content in parts. Pure; fed by `choices`.

All are kept for sending back, because servers check their signatures: so they are merged as they were cut, and nothing
in them is interpreted but their text. Rules 4.7, 4.8 and 6.3.
"""

from typing import Final

from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.merging import index_of, mended

__all__ = ["ContentParts", "ReasoningDetails", "ThinkingBlocks", "blocks_text", "details_text", "thinking_text"]

_JOINED: Final = frozenset({"text", "summary", "data"})
_SET_ONCE: Final = frozenset({"type", "id", "format", "index"})


def details_text(details: list[dict[str, object]]) -> str:
    """Return the text of details: of each its `text`, else its `summary`."""
    return "".join(_str(detail, "text") or _str(detail, "summary") for detail in details)


def blocks_text(blocks: list[dict[str, object]]) -> str:
    """Return what thinking blocks say."""
    return "".join(_str(block, "thinking") for block in blocks)


def thinking_text(parts: list[dict[str, object]]) -> str:
    """Return what the thinking and reasoning parts of a content say."""
    return "".join(_thinking(part) for part in parts if part.get("type") in ("thinking", "reasoning"))


def _thinking(part: dict[str, object]) -> str:
    """Return what a part says: its `thinking`, or its `text`, else the texts of its `summary`."""
    if part.get("type") == "thinking":
        return _texts(part.get("thinking"))
    return _str(part, "text") or _texts(part.get("summary"))


def _texts(given: object) -> str:
    if isinstance(given, str):
        return given
    return "".join(_str(entry, "text") for entry in given if isinstance(entry, dict)) if isinstance(given, list) else ""


def _str(value: dict[str, object], key: str) -> str:
    text = value.get(key)
    return text if isinstance(text, str) else ""


class ReasoningDetails:
    """The details of a choice, merged by type and index, first seen first; entries with other ids are others."""

    __slots__ = ("_by_id", "_by_key", "_entries", "_newest")

    def __init__(self) -> None:
        self._entries: list[dict[str, object]] = []
        # The newest entry of each type at each index.
        self._by_key: dict[tuple[str, int | None], dict[str, object]] = {}
        self._by_id: dict[tuple[str, int | None, str], dict[str, object]] = {}
        # The newest entry at each index, and the newest of all under None.
        self._newest: dict[int | None, dict[str, object]] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def fold(self, details: list[dict[str, object]]) -> None:
        """Fold a delta in: texts and data are joined, a signature is the last one, what identifies is set once."""
        for detail in details:
            held = self._find(_str(detail, "type"), index_of(detail.get("index")), _str(detail, "id"))
            for key, value in detail.items():
                if value is None:
                    continue
                if key in _JOINED and isinstance(value, str):
                    text = held.get(key)
                    if not isinstance(text, Fragments):
                        text = held[key] = Fragments()
                    text.append(value)
                elif not (key in _SET_ONCE and held.get(key)):
                    held[key] = value

    def _find(self, kind: str, index: int | None, id: str) -> dict[str, object]:
        """Find or make the entry of a type at an index. An entry that names no type goes on with what is there."""
        held = self._by_key.get((kind, index))
        if held is None and not kind:
            held = self._newest.get(index)
        if held is not None and id and _str(held, "id") not in ("", id):
            held = self._by_id.get((kind, index, id))
        if held is None:
            held = self._newest[None] = {}
            self._entries.append(held)
        if id:
            self._by_id[kind, index, id] = held
        self._by_key[kind, index] = self._newest[index] = held
        return held

    def built(self) -> list[dict[str, object]]:
        """Build the plain list."""
        return [
            {key: value.text() if isinstance(value, Fragments) else value for key, value in entry.items()}
            for entry in self._entries
        ]


class ThinkingBlocks:
    """The thinking blocks of a choice: by index, else a block goes on until its signature came."""

    __slots__ = ("_by_index", "_entries")

    def __init__(self) -> None:
        self._entries: list[dict[str, object]] = []
        self._by_index: dict[int, dict[str, object]] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def fold(self, blocks: list[dict[str, object]]) -> None:
        """Fold a delta in: what was thought is joined, all else is the last."""
        for block in blocks:
            held = self._find(block)
            for key, value in block.items():
                if key == "thinking" and isinstance(value, str):
                    text = held.get(key)
                    if not isinstance(text, Fragments):
                        text = held[key] = Fragments()
                    text.append(value)
                elif value is not None and (value != "" or key not in held):
                    held[key] = value

    def _find(self, block: dict[str, object]) -> dict[str, object]:
        index = index_of(block.get("index"))
        held = self._entries[-1] if self._entries else None
        if index is not None:
            held = self._by_index.get(index)
        elif held is not None and (
            held.get("signature")
            or (block.get("type") or held.get("type")) != held.get("type")
            # What is encrypted is whole in itself.
            or (held.get("data") and block.get("data"))
        ):
            held = None
        if held is None:
            held = {}
            self._entries.append(held)
        if index is not None:
            self._by_index[index] = held
        return held

    def built(self) -> list[dict[str, object]]:
        """Build the plain list."""
        return [
            {key: value.text() if isinstance(value, Fragments) else value for key, value in entry.items()}
            for entry in self._entries
        ]


class ContentParts:
    """The content of a choice as the parts that it came in: neighbours of one type joined, all others as they are."""

    __slots__ = ("_entries",)

    def __init__(self, text: str) -> None:
        self._entries: list[_Part | dict[str, object]] = []
        if text:
            self.add_text(text)

    def add_text(self, text: str) -> None:
        """Add content that came as a plain string."""
        self.add([{"type": "text", "text": text}])

    def add(self, parts: list[dict[str, object]]) -> None:
        """Add parts."""
        for part in parts:
            kind = _str(part, "type")
            if kind not in _GROWING:
                self._entries.append(mended(part, frozenset()))
                continue
            last = self._entries[-1] if self._entries else None
            if not isinstance(last, _Part) or last.kind != kind:
                last = _Part(kind)
                self._entries.append(last)
            last.add(part)

    def built(self) -> list[dict[str, object]] | None:
        """Build the plain list; None if there was nothing but text, which says the same as a string."""
        if all(isinstance(entry, _Part) and entry.kind == "text" for entry in self._entries):
            return None
        return [entry.built() if isinstance(entry, _Part) else entry for entry in self._entries]


_GROWING: Final[dict[str, tuple[str, ...]]] = {
    "text": ("text",),
    "thinking": ("thinking",),
    "reasoning": ("text", "summary"),
}
"""The types of parts that come in pieces, and the members that hold the pieces: texts, or lists of entries with one."""


class _Part:
    """A part that grows: its pieces joined, of all else the last."""

    __slots__ = ("_lists", "_members", "_texts", "kind")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._members: dict[str, object] = {"type": kind}
        self._texts: dict[str, Fragments] = {}
        # A list's entries by position, each with its text.
        self._lists: dict[str, list[tuple[dict[str, object], Fragments]]] = {}

    def add(self, part: dict[str, object]) -> None:
        """Add the next piece."""
        for key, value in part.items():
            if value is None:
                continue
            if key not in _GROWING[self.kind]:
                self._members[key] = value
            elif isinstance(value, str | list):
                self._members.setdefault(key, None)
                self._add_pieces(key, value)

    def _add_pieces(self, key: str, given: str | list[object]) -> None:
        held = self._lists.get(key)
        if isinstance(given, str):
            text = self._texts.setdefault(key, Fragments()) if held is None else held[-1][1]
            text.append(given)
            return
        if held is None and key in self._texts:
            held = self._lists[key] = [({"type": "text"}, self._texts[key])]
        goes_on = held is not None
        for entry in given:
            if isinstance(entry, dict):
                if held is None or not goes_on:
                    held = self._lists.setdefault(key, [])
                    held.append(({}, Fragments()))
                # The first entry goes on with the last one of before.
                goes_on = False
                members, text = held[-1]
                members.update((name, member) for name, member in entry.items() if member is not None)
                text.append(_str(entry, "text"))

    def built(self) -> dict[str, object]:
        """Build the plain part."""
        return {key: self._built(key, value) for key, value in self._members.items()}

    def _built(self, key: str, value: object) -> object:
        if key in self._lists:
            return [{**members, "text": text.text()} for members, text in self._lists[key]]
        return self._texts[key].text() if key in self._texts else value
