"""One response being played: its events go into the streams that look on, and are kept for those that come later.

The response goes on whether anybody reads it or not, until its task is cancelled. `script` makes the events, `shapes`
gives them the shape of the dialect, `streams` carries the frames; `engine` keeps the responses.
"""

import asyncio
from collections.abc import Container, Iterator

from asyncstream.server.actions import Cut, EmitRaw, ErrorEvent, Pause
from asyncstream.server.responses.frames import done_frame, event_frame, name_of
from asyncstream.server.responses.script import Script, Told
from asyncstream.server.responses.shapes import Shaper
from asyncstream.server.scenario import Scenario
from asyncstream.server.state import Wire
from asyncstream.server.streams import StreamBody

__all__ = ["LiveResponse"]


class LiveResponse:
    """A response, its events so far, and the streams that it fills.

    Attributes:
        wire: The response as it is now.
        failure: The error event that ended it, if one did.
        over: Whether it has ended.
        shaper: What gives its events their shape.
    """

    def __init__(self, wire: Wire, script: Script, scenario: Scenario) -> None:
        self.wire = wire
        self.failure: ErrorEvent | None = None
        self.over = False
        self.shaper = Shaper(scenario.responses_dialect, wire["model"])
        self._script = script
        self._told: Iterator[Told] = script.play()
        self._scenario = scenario
        self._events: list[Wire] = []
        self._bodies: dict[StreamBody, bool] = {}

    def included(self, include: Container[str]) -> Wire:
        """Return the response as it is now, with what a request includes."""
        return self._script.included(include)

    def attach(self, body: StreamBody, *, obfuscated: bool, starting_after: int | None = None) -> None:
        """Fill a stream with the events so far, and with those to come.

        Args:
            body: The stream.
            obfuscated: Whether its deltas are padded.
            starting_after: Only events with a larger number.
        """
        for place, event in enumerate(self._events):
            if starting_after is None or event.get("sequence_number", place) > starting_after:
                self._put(body, event, obfuscated=obfuscated)
        if self.over:
            self._end(body)
        else:
            self._bodies[body] = obfuscated

    def detach(self, body: StreamBody) -> None:
        """Forget a stream that nobody reads any more."""
        self._bodies.pop(body, None)

    async def play(self) -> None:
        """Play the response to its end."""
        delay = self._scenario.delay
        for told in self._told:
            match told:
                case Pause(seconds=seconds):
                    await asyncio.sleep(seconds)
                case EmitRaw(data=data):
                    for body in self._bodies:
                        body.put(data)
                case Cut():
                    for body in self._bodies:
                        body.cut(told)
                case ErrorEvent():
                    self.failure = told
                    for event in self.shaper.fail(told, self._script.failed()):
                        self._publish(event)
                    self._finish()
                    return
                case _:
                    for event in self.shaper.shape(told):
                        self._publish(event)
                    await asyncio.sleep(delay)
        self._finish()

    def cancel(self) -> None:
        """End it as cancelled; whoever plays it must not go on."""
        event = self._script.cancel()
        if self._scenario.responses_dialect.cancelled == "event":
            for shaped in self.shaper.shape(event):
                self._publish(shaped)
        self._finish()

    def forget(self) -> None:
        """End the streams, without an end of the response."""
        for body in self._bodies:
            body.end()
        self._bodies.clear()

    def _publish(self, event: Wire) -> None:
        self._events.append(event)
        for body, obfuscated in self._bodies.items():
            self._put(body, event, obfuscated=obfuscated)

    def _put(self, body: StreamBody, event: Wire, *, obfuscated: bool) -> None:
        frame = event_frame(event, self._scenario.responses_dialect, obfuscated=obfuscated)
        body.put(frame, name_of(event))

    def _finish(self) -> None:
        self.over = True
        for body in self._bodies:
            self._end(body)
        self._bodies.clear()

    def _end(self, body: StreamBody) -> None:
        # Behind an error nothing comes, for those either who come later.
        if self.failure is None and self._scenario.done:
            body.put(done_frame(self._scenario.responses_dialect), "done")
        body.end()
