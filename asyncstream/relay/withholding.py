"""What a relay keeps to itself of the events of a stream: `Withholding`. Pure.

What the application told the model, and hosts and keys in the words of servers, do not go out to browsers. Which
members of which events these are, each protocol says in a table (`events.withheld`); here it is done, for a payload as
the wire has it and for what a change holds, without knowing which protocol it is.

Above it: `entries`, which makes one a stream. Below it: `words` (what of a server's words is told).
Rule 1: what is not in the table goes out byte by byte as it came, and so does a payload that holds nothing of it.
Rule 2: an object is read and written again, never cut as text: a key may be written in many ways, and more than once.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

import msgspec

from asyncstream.decoding import UnreadableJSON, dump_raw, load_json
from asyncstream.errors import ConfigurationError
from asyncstream.events.withheld import Withheld
from asyncstream.members import EXTRA, OWN_MEMBER
from asyncstream.relay.words import public_words

__all__ = ["Withholding"]

_ERRORS: Final = frozenset({"detail", "error", "last_error", "param"})
"""Members that are about an error: every string in them is the words of a server, whatever holds it."""

_ABOUT: Final = frozenset({"code", "message", "type"})
"""Members that are about an error if their object is."""

_REPEATED: Final = frozenset({"input"})
"""Members of an error in which a validator repeats the request."""

_NO_NAMES: Final[frozenset[str]] = frozenset()

_DIGITS: Final = 18
"""Of a number that counts events, at most."""

_EMPTY: Final[dict[type, Any]] = {dict: {}, list: [], str: ""}
"""What stands in the place of a member that readers want: an empty one of its kind; of any other kind null."""

_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Withholding:
    """What is left out of the events of one stream."""

    def __init__(
        self,
        withheld: Withheld,
        understood: Callable[[Any], object],
        *,
        expose: Collection[str] = (),
        compatible: bool = False,
    ) -> None:
        """Take from the protocol's table what is left out, less what is exposed.

        Args:
            withheld: The table of the stream's protocol.
            understood: Gives what was decoded of an event's payload, for one that cannot be read as JSON of any shape.
            expose: Members that go out all the same.
            compatible: Whether what is left out is there and empty, for readers that rely on it.

        Raises:
            ConfigurationError: `expose` is a string, or names a member that is never left out.
        """
        names = withheld.names
        if isinstance(expose, str) or not isinstance(expose, Collection):
            raise ConfigurationError(f"expected expose to be names of members, as ('metadata',), got {expose!r}")
        unknown = [name for name in expose if not isinstance(name, str) or name not in names]
        if unknown:
            known = ", ".join(sorted(names))
            raise ConfigurationError(f"nothing called {unknown[0]!r} is left out: expose takes {known}")
        self._understood = understood
        self._members = {
            event: (
                left - frozenset(expose),
                _Alike(withheld.texts[event], withheld.number) if event in withheld.texts else None,
            )
            for event, left in withheld.members.items()
        }
        self._names = names - frozenset(expose)
        # What is exposed goes out whole.
        self._answers = withheld.answers | frozenset(expose)
        self._compatible = compatible
        self._mention = re.compile(_mention(self._names | _ERRORS | {"message"}))

    def of_event(self, name: str, data: bytes, event: object) -> bytes:
        """Return the payload of an event as it may go out.

        Args:
            name: The event's name; "" if it has none.
            data: Its payload: a JSON object in UTF-8.
            event: The event itself, for a payload that cannot be read as JSON of any shape.
        """
        left = self._members.get(name)
        if left is None:
            return data
        names, alike = left
        if alike is not None and alike.is_like(data):
            return data
        if self._mention.search(data) is None:
            if alike is not None:
                alike.learn(data)
            return data
        try:
            return self._rewrite(data, names)
        except UnreadableJSON:
            # Nested too deep where its type has no member.
            understood = msgspec.to_builtins(self._understood(event), builtin_types=(bytes,))
            return dump_raw(self._walk(understood, names, nulls=False))

    def of_unknown(self, data: bytes) -> bytes:
        """Return the data of an event that nobody knows as it may go out: without all that is left out of any event.

        Text that is no JSON goes out as it is, but for an object that is broken: what it holds cannot be told.
        """
        if self._mention.search(data) is None and b'"error"' not in data:
            return data
        try:
            value = load_json(data, exact=True)
        except UnreadableJSON:
            lines = data.split(b"\n")
            return b"\n".join(map(self.of_unknown, lines)) if len(lines) > 1 else b"{}"
        return dump_raw(self._walk(value, self._names))

    def of_change(self, value: object) -> object:
        """Return what a member of a change holds, in builtins and without null members: most of a delta's are."""
        return self._walk(msgspec.to_builtins(value, builtin_types=(bytes,)), self._names, nulls=False)

    def _rewrite(self, data: bytes, names: frozenset[str]) -> bytes:
        """Leave members out of an object; the others keep their bytes, unless something inside them is left out."""
        try:
            members = _read_members(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Half a surrogate pair in a key, which `load_json` can read.
            return dump_raw(self._walk(load_json(data, exact=True), names))
        values = {name: load_json(bytes(raw), exact=True) for name, raw in members.items() if name not in self._answers}
        walked = self._walk(values, names)
        kept = {}
        for name, raw in members.items():
            if name in self._answers:
                kept[name] = raw
            elif name in walked:
                same = walked[name] == values[name] and self._mention.search(raw) is None
                kept[name] = raw if same else msgspec.Raw(dump_raw(walked[name]))
        return msgspec.json.encode(kept)

    def _walk(self, value: Any, names: frozenset[str], *, words: bool = False, nulls: bool = True) -> Any:
        """Return a value without some members.

        Args:
            value: JSON as builtins; bytes are JSON of a part whose type nobody knows.
            names: The members.
            words: Whether it is of an error, so that all strings in it are a server's words and nothing is an answer.
            nulls: Whether members that are null stay.
        """
        match value:
            case dict():
                return self._walk_members(value, names, words=words, nulls=nulls)
            case list():
                return [self._walk(inner, names, words=words, nulls=nulls) for inner in value]
            case str():
                return public_words(value) if words else value
            case bytes():
                return b64encode(self.of_unknown(value)).decode()
            case _:
                return value

    def _walk_members(
        self, members: dict[str, Any], names: frozenset[str], *, words: bool, nulls: bool
    ) -> dict[str, Any]:
        answers = _NO_NAMES if words else self._answers
        error = "error" in (members.get("type"), members.get("object"))
        about = _ABOUT if error or isinstance(members.get("message"), str) else _NO_NAMES
        walked: dict[str, Any] = {}
        for key, inner in members.items():
            if key.startswith(OWN_MEMBER):
                # What no field names stands beside the fields, as the wire had it; all else is our own.
                walked |= self._walk((key == EXTRA and inner) or {}, names, words=words, nulls=nulls)
            elif key in names:
                if self._compatible:
                    walked[key] = _EMPTY.get(type(inner))
            elif inner is None and not nulls:
                continue
            elif key in answers:
                walked[key] = inner if nulls else _without_nulls(inner)
            elif words:
                walked[public_words(key)] = self._walk(inner, names, words=True, nulls=nulls)
            elif key in _ERRORS or key in about or (error and isinstance(inner, str)):
                walked[key] = self._walk(inner, names | _REPEATED, words=True, nulls=nulls)
            else:
                walked[key] = self._walk(inner, names, nulls=nulls)
        return walked


class _Alike:
    """Recognises payloads that differ from one that was looked at in nothing but the text of one or two strings.

    And in the number before these, if such payloads are counted. It keeps what stands before the first text, in two
    pieces if a number stands there, and what stands between it and the second, or the end.
    """

    def __init__(self, texts: Iterable[str], number: str = "") -> None:
        names = "|".join(map(re.escape, sorted(texts)))
        self._opening = re.compile(rb'"(?:%b)":\s?"' % names.encode())
        self._number = re.compile(rb'"%b":\s?(\d{1,%d}+)' % (re.escape(number).encode(), _DIGITS)) if number else None
        # No payload is like this one.
        self._front = slice(1)
        self._head = b"\n"
        self._start = 1
        self._between = b""
        self._middle = b""
        self._second = False

    def is_like(self, data: bytes) -> bool:
        """Return True for a payload, which is valid JSON, that has no other members than the one that was learned."""
        # Slices cost a third of `startswith`.
        if data[self._front] != self._head:
            return False
        start = self._start
        between = self._between
        if between:
            digits = start
            start = data.find(between, digits, digits + _DIGITS + len(between))
            if start < 0 or not data[digits:start].isdigit():
                return False
            start += len(between)
        # A quote within the text, which is escaped, is not followed by what has to stand behind it.
        end = data.find(b'"', start)
        if not self._second:
            return data[end:] == self._middle
        return data.startswith(self._middle, end) and data.find(b'"', end + len(self._middle)) == len(data) - 2

    def learn(self, data: bytes) -> None:
        """Remember a payload in which nothing is to be left out."""
        first = self._opening.search(data)
        if first is None:
            return
        number = None if self._number is None else self._number.search(data, 0, first.start())
        self._start = first.end() if number is None else number.start(1)
        self._between = b"" if number is None else data[number.end(1) : first.end()]
        self._front = slice(self._start)
        self._head = data[: self._start]
        end = data.find(b'"', first.end())
        second = self._opening.search(data, end + 1)
        # The second text has to be the last member.
        self._second = second is not None and data.find(b'"', second.end()) == len(data) - 2
        self._middle = data[end : second.end()] if second is not None and self._second else data[end:]


def _mention(names: Iterable[str]) -> bytes:
    r"""Return the pattern of a name as a key, and of any letter that is written with `\u`."""
    keys = "|".join(map(re.escape, sorted(names)))
    return rb'[,{\\](?:\s*+"(?:%b)"|u00[5-7])' % keys.encode()


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
        case list():
            return [_without_nulls(inner) for inner in value]
        case bytes():
            return b64encode(value).decode()
        case _:
            return value
