"""Two readings of server-sent events: the standard's, written anew and to the letter, and the one that streams use.

`EventDecoder` is the oracle: it shares no code with the package. It is also what browsers are in tests of the relay.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from asyncstream.sse import FrameSplitter, parse_frame


class ServerSentEvent(NamedTuple):
    """One event as the standard dispatches it."""

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None
    """The reconnection time in milliseconds that was set last."""


class EventDecoder:
    """Decode an event stream line by line."""

    def __init__(self) -> None:
        self.last_event_id = ""
        self.retry: int | None = None
        self._line = b""
        self._begun = False
        self._after_cr = False
        self._event = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the next bytes; return the events that they complete."""
        if not chunk:
            return []
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        *lines, self._line = re.split(rb"\r\n|\r|\n", self._line + chunk)
        events = []
        for line in lines:
            if not self._begun:
                self._begun = True
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line:
                self._take(line.decode("utf-8", "replace"))
            else:
                if self._data:
                    data = "\n".join(self._data)
                    events.append(ServerSentEvent(data, self._event or "message", self.last_event_id, self.retry))
                self._event, self._data = "", []
        return events

    def _take(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._event = value
        elif field == "id" and "\0" not in value:
            self.last_event_id = value
        elif field == "retry" and re.fullmatch("[0-9]{1,18}", value):
            self.retry = int(value)


def read_by_the_standard(chunks: Iterable[bytes]) -> list[tuple[str, str]]:
    """Return the name and the data of each event, as a browser has them."""
    decoder = EventDecoder()
    return [(event.event, event.data) for chunk in chunks for event in decoder.feed(chunk)]


def read_as_streams_do(chunks: Iterable[bytes]) -> list[tuple[str, str]]:
    """Return the name and the data of each event, as a stream has them."""
    splitter = FrameSplitter()
    frames = [parse_frame(frame) for chunk in chunks for frame in splitter.feed(chunk)]
    return [(event or "message", b"\n".join(lines).decode("utf-8", "replace")) for event, lines in frames if lines]
