"""The views of web front-ends, "ui-messages" and "ag-ui": what they read of a stream, and how that goes out.

A reading pushes changes into a projection of `ui` and gives each part as an entry. A shape writes parts in frames of
data alone, as the libraries of pages want them; it looks at the parts that begin and end something, so that whatever
ends a relay too early (a stream that failed, a producer that died, a run that was cancelled) closes what is open for
this reader. Above it: `views`. Below it: `ui`, `entries`, `errors`.

Rule 1: a page takes a body that merely ends for a finished answer. Every end says how it came.
Rule 2: a part that only adds text is not looked into.
"""

import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, Final, Self

from asyncstream.decoding import UnreadableJSON, load_json
from asyncstream.errors import AsyncStreamError, StreamTruncatedError
from asyncstream.looping.changes import RoundDone, ToolResultDone
from asyncstream.relay.entries import DONE, Entry, Read, Source, encode, error_entry
from asyncstream.relay.errors import error_body, error_headers, error_status
from asyncstream.relay.frames import HEARTBEAT
from asyncstream.relay.pump import told_in
from asyncstream.relay.shapes import EVENT_STREAM, Refusal, Shape
from asyncstream.relay.sound import check_entry
from asyncstream.relay.withholding import Withholding
from asyncstream.streaming.stream import Stream
from asyncstream.ui.ag_ui import AGUI
from asyncstream.ui.open_parts import OpenEvents, OpenParts
from asyncstream.ui.ui_messages import UIMessages

__all__ = [
    "GivenParts",
    "Page",
    "ag_ui",
    "given_ag_ui",
    "given_ui_messages",
    "read_ag_ui",
    "read_ui_messages",
    "reading_with",
    "ui_messages",
]

_LOG = logging.getLogger("asyncstream")

Page = UIMessages | AGUI

_CANCELLED: Final = "cancelled"
"""The code of an error that says that somebody stopped the run."""


def reading_with(make: Callable[[], Page]) -> Read:
    """Return the reading that tells a projection what changes.

    Args:
        make: Makes the projection of one answer.
    """

    def read(stream: Stream[Any, Any, Any], withholding: Withholding) -> Callable[[], Awaitable[Entry]]:
        page = make()
        changes = stream.changes
        # That it has begun is told before anything has come.
        waiting = deque(page.start())
        ended = False

        async def take() -> Entry:
            nonlocal ended
            while not waiting:
                if ended:
                    raise StopAsyncIteration
                try:
                    step = await changes.take()
                except StopAsyncIteration:
                    ended = True
                    waiting.extend(page.finish())
                    continue
                for change in step:
                    if isinstance(change, RoundDone):
                        for refused in _refused(stream, change.round):
                            waiting.extend(page.push(refused))
                        if change.stop == "external":
                            waiting.extend(page.ask(_asking(stream)))
                    waiting.extend(page.push(change))
            return Entry(None, "", encode(waiting.popleft()))

        return take

    return read


def _refused(stream: Any, round: int) -> Iterator[ToolResultDone]:
    """Give what no change tells: that calls were refused while the loop stood still, by a decision about its state."""
    for result in stream.results:
        if result.round == round and result.status == "refused":
            yield ToolResultDone(result)


def _asking(stream: Any) -> list[str]:
    """Return the ids of the calls that wait for a word, beside those that are answered elsewhere."""
    return [call.id for call in stream.state.waiting if call.standing == "later" or call.runs_elsewhere]


read_ui_messages: Final = reading_with(UIMessages)
read_ag_ui: Final = reading_with(AGUI)


def ui_messages() -> Shape:
    """Return the shape of a UI message stream, for one reader."""
    return _shape_of(_UIFrames(), {"x-vercel-ai-ui-message-stream": "v1"})


def ag_ui() -> Shape:
    """Return the shape of AG-UI, for one reader."""
    return _shape_of(_AGUIFrames(), {})


def _shape_of(frames: "_UIFrames | _AGUIFrames", headers: Mapping[str, str]) -> Shape:
    return Shape(
        EVENT_STREAM,
        frames.entry,
        b"",
        HEARTBEAT,
        bare_end_looks_whole=True,
        done=frames.done,
        error=frames.error,
        headers=headers,
        refusal=_in_words,
    )


def _in_words(error: AsyncStreamError) -> Refusal:
    """Return the answer where there is no stream: pages show its body as it is."""
    headers = {**error_headers(error), "Content-Type": "text/plain; charset=utf-8"}
    words = told_in(error_body(error)).get("message") or "the answer failed"
    return Refusal(error_status(error), headers, str(words).encode("utf-8", "replace"))


def _frame(data: bytes, id: int | None) -> bytes:
    return b"data: %b\n\n" % data if id is None else b"id: %d\ndata: %b\n\n" % (id, data)


def _part_of(data: bytes) -> dict[str, Any]:
    """Return a part; one without a type, which opens and ends nothing, for what an application made up."""
    try:
        part = load_json(data)
    except UnreadableJSON:
        return {"type": ""}
    return part if isinstance(part, dict) and isinstance(part.get("type"), str) else {"type": ""}


def _look_at(part: dict[str, Any], open: OpenParts | OpenEvents) -> None:
    """Note what a part opens and closes; one of an application's own may lack the members for that, or have others."""
    try:
        open.take(part)
    except (KeyError, TypeError):
        pass


class _UIFrames:
    """The frames of one reader of a UI message stream."""

    _DELTAS = (b'{"type":"text-delta"', b'{"type":"reasoning-delta"', b'{"type":"tool-input-delta"')
    _LAST = ("finish", "error", "abort")

    def __init__(self) -> None:
        self._open = OpenParts()
        self._over = False

    def entry(self, entry: Entry) -> bytes:
        """Write a part."""
        if not entry.data.startswith(self._DELTAS):
            part = _part_of(entry.data)
            self._over |= part["type"] in self._LAST
            _look_at(part, self._open)
        return _frame(entry.data, entry.id)

    def done(self, entry: Entry) -> bytes:
        """Write the end."""
        return _frame(b"[DONE]", entry.id)

    def error(self, entry: Entry) -> bytes:
        """Close what is open, say what went wrong, and write the end."""
        parts: list[dict[str, Any]] = []
        if not self._over:
            told = told_in(entry.data)
            words = str(told.get("message") or "the answer failed")
            parts = self._open.closing(words)
            if told.get("code") == _CANCELLED:
                parts.append({"type": "abort", "reason": _CANCELLED})
            else:
                parts.append({"type": "error", "errorText": words})
        return b"".join(_frame(encode(part), None) for part in parts) + self.done(entry)


class _AGUIFrames:
    """The frames of one reader of AG-UI."""

    _DELTAS = (
        b'{"type":"TEXT_MESSAGE_CONTENT"',
        b'{"type":"REASONING_MESSAGE_CONTENT"',
        b'{"type":"TOOL_CALL_ARGS"',
    )
    _LAST = ("RUN_FINISHED", "RUN_ERROR")

    def __init__(self) -> None:
        self._open = OpenEvents()
        self._run: dict[str, Any] = {}
        self._over = False

    def entry(self, entry: Entry) -> bytes:
        """Write an event."""
        if not entry.data.startswith(self._DELTAS):
            event = _part_of(entry.data)
            if event["type"] == "RUN_STARTED":
                self._run = {name: event.get(name, "") for name in ("threadId", "runId")}
            self._over |= event["type"] in self._LAST
            _look_at(event, self._open)
        return _frame(entry.data, entry.id)

    def done(self, entry: Entry) -> bytes:
        """Write nothing: the last event says that it is the last."""
        return b""

    def error(self, entry: Entry) -> bytes:
        """Close what is open, and say what went wrong."""
        if self._over:
            return b""
        told = told_in(entry.data)
        words = str(told.get("message") or "the answer failed")
        events: list[dict[str, Any]] = []
        if not self._run:
            self._run = {"threadId": "", "runId": ""}
            events.append({"type": "RUN_STARTED", **self._run})
        events += self._open.closing(words)
        code = told.get("code")
        if code == _CANCELLED:
            cancelled = {"outcome": {"type": "cancelled"}, "metadata": {"reason": _CANCELLED}}
            events.append({"type": "RUN_FINISHED", **self._run, **cancelled})
        else:
            failed = {"type": "RUN_ERROR", "message": words}
            events.append(failed if code is None else {**failed, "code": str(code)})
        *closing, last = events
        return b"".join(_frame(encode(event), None) for event in closing) + _frame(encode(last), entry.id)


class GivenParts:
    """Parts that an application makes itself, an entry each: with an end that says how it came, if they have none.

    Attributes:
        view: The name of the view that they are made for.
        sound: What `sound` looks for: each was looked at here.
    """

    sound: Final = True

    def __init__(self, source: Source, view: str, last: tuple[str, ...]) -> None:
        """Make a source of a source; nothing is opened.

        Args:
            source: Gives the parts.
            view: The name of the view.
            last: The types of the parts that end an answer.
        """
        self.view = view
        self._source = source
        self._last = last
        self._entries: AsyncIterator[Entry] | None = None
        # A part said how the answer ended.
        self._told = False
        self._over = False

    async def open(self) -> Self:
        """Open the source, and raise what it raises."""
        await self._source.open()
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        if self._over:
            raise StopAsyncIteration
        if self._entries is None:
            self._entries = aiter(self._source)
        try:
            entry = await anext(self._entries)
        except StopAsyncIteration:
            entry = Entry(None, DONE, b"[DONE]")
        check_entry(entry)
        if entry.event == DONE and not self._told:
            wanted = f"{', '.join(self._last[:-1])} or {self._last[-1]}"
            error = StreamTruncatedError(f"the answer ended before its last part, which is {wanted}")
            # A page takes such an end for a whole answer, so who made it may never have noticed.
            _LOG.error("a relayed source failed: %s", error)
            entry = error_entry(error)
        self._over = entry.terminal
        self._told |= not self._over and _part_of(entry.data)["type"] in self._last
        return entry

    async def close(self) -> None:
        """Close the source."""
        await self._source.close()


def given_ui_messages(source: Source, view: str) -> Source:
    """Return what is relayed of parts of a UI message stream that an application made."""
    return GivenParts(source, view, _UIFrames._LAST)


def given_ag_ui(source: Source, view: str) -> Source:
    """Return what is relayed of events of AG-UI that an application made."""
    return GivenParts(source, view, _AGUIFrames._LAST)
