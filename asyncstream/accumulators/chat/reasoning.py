"""Fold what a model thinks aloud: `reasoning_details`, and content that comes in parts. Pure; fed by `choices`.

Details are kept for sending back, because servers check their signatures: so they are merged as they were cut, and
nothing in them is interpreted but their text. Rules 4.7, 4.8 and 6.3.
"""

from typing import Final

from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.merging import index_of, mended

__all__ = ["ContentParts", "ReasoningDetails", "details_text", "thinking_text"]

_JOINED: Final = frozenset({"text", "summary", "data"})
_SET_ONCE: Final = frozenset({"type", "id", "format", "index"})


def details_text(details: list[dict[str, object]]) -> str:
    """Return the text of details: of each its `text`, else its `summary`."""
    return "".join(_str(detail, "text") or _str(detail, "summary") for detail in details)


def thinking_text(parts: list[dict[str, object]]) -> str:
    """Return the text of the thinking parts of a content."""
    return "".join(_thinking(part) for part in parts if part.get("type") == "thinking")


def _thinking(part: dict[str, object]) -> str:
    thinking = part.get("thinking")
    if isinstance(thinking, str):
        return thinking
    return (
        "".join(_str(entry, "text") for entry in thinking if isinstance(entry, dict))
        if isinstance(thinking, list)
        else ""
    )


def _str(value: dict[str, object], key: str) -> str:
    text = value.get(key)
    return text if isinstance(text, str) else ""


class ReasoningDetails:
    """The details of a choice, merged by type and index, first seen first."""

    __slots__ = ("_by_key", "_entries", "_newest")

    def __init__(self) -> None:
        self._entries: list[dict[str, object]] = []
        self._by_key: dict[tuple[str, int | None], dict[str, object]] = {}
        # The newest entry at each index, and the newest of all under None.
        self._newest: dict[int | None, dict[str, object]] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def fold(self, details: list[dict[str, object]]) -> None:
        """Fold a delta in: texts and data are joined, a signature is the last one, what identifies is set once."""
        for detail in details:
            held = self._find(_str(detail, "type"), index_of(detail.get("index")))
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

    def _find(self, kind: str, index: int | None) -> dict[str, object]:
        """Find or make the entry of a type at an index. An entry that names no type goes on with what is there."""
        held = self._by_key.get((kind, index))
        if held is None and not kind:
            held = self._newest.get(index)
        if held is None:
            held = self._by_key[kind, index] = self._newest[index] = self._newest[None] = {}
            self._entries.append(held)
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
        self._entries: list[tuple[dict[str, object], Fragments | None]] = []
        if text:
            self.add_text(text)

    def add_text(self, text: str) -> None:
        """Add content that came as a plain string."""
        self.add([{"type": "text", "text": text}])

    def add(self, parts: list[dict[str, object]]) -> None:
        """Add parts."""
        for part in parts:
            kind = _str(part, "type")
            if kind not in ("text", "thinking"):
                self._entries.append((mended(part, frozenset()), None))
                continue
            members, text = self._entries[-1] if self._entries else (None, None)
            if members is None or text is None or members["type"] != kind:
                members, text = dict[str, object](type=kind), Fragments()
                self._entries.append((members, text))
            members.update((key, value) for key, value in part.items() if value is not None)
            text.append(_thinking(part) if kind == "thinking" else _str(part, "text"))

    def built(self) -> list[dict[str, object]] | None:
        """Build the plain list; None if there was nothing but text, which is sent back as a string."""
        if all(text is not None and members["type"] == "text" for members, text in self._entries):
            return None
        return [_built_part(members, text) for members, text in self._entries]


def _built_part(members: dict[str, object], text: Fragments | None) -> dict[str, object]:
    if text is None:
        return members
    kind = _str(members, "type")
    as_list = isinstance(members.get(kind), list)
    return {**members, kind: [{"type": "text", "text": text.text()}] if as_list else text.text()}
