"""What may be known from outside: five observations of a call and two of a tool, and the `Watch`es that make them.

An observer is any function that takes one `Observation`; it is called in the event loop, in the course of the call, and
must not block. Each call gives, by its `call.id`: `RequestSent` and `ResponseReceived` for each attempt, `FirstEvent`
if it is a stream, and exactly one end: `CallFinished`, or `CallFailed` without `retry_in`. Its method `headers`, if it
has one, is asked before each attempt, with the `CallDetails`, for headers to send: so a trace goes on at the server.
Each tool that a stream runs gives `ToolBegan` and `ToolEnded`, by its `id`, in the task that calls its function.

Rule 1: ids, sizes, times and counts, and the parameters of `PARAMETERS` only: never a body, a header, a query or the
text of an error.
Rule 2: an observer that raises is logged, and changes nothing. Rule 3: unobserved calls cost a few attribute lookups.
"""

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import TracebackType
from typing import Any, TypeAlias, cast

import msgspec
from msgspec import Struct
from yarl import URL

from asyncstream.transport.redaction import Secrets
from asyncstream.transport.request import HeaderValues, Request, merge_headers

__all__ = [
    "SILENT",
    "CallDetails",
    "CallFailed",
    "CallFinished",
    "FirstEvent",
    "Observation",
    "Observer",
    "RequestSent",
    "ResponseReceived",
    "ToolBegan",
    "ToolEnded",
    "ToolWatch",
    "Watch",
]

_LOG = logging.getLogger("asyncstream")

PARAMETERS = (
    "frequency_penalty",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "n",
    "presence_penalty",
    "seed",
    "service_tier",
    "stop",
    "temperature",
    "top_p",
)
"""What is told of a body: numbers, the name of a tier, and where an answer stops; nothing of what is asked."""

_numbers = itertools.count(1)
_tools = itertools.count(1)


class CallDetails(Struct, frozen=True, kw_only=True):
    """What a call is: the same in all its observations."""

    id: int
    """Counts the observed calls of this process."""
    method: str
    route: str
    """The path as a template: ``/threads/{thread_id}/runs``."""
    path: str
    """The path below the base URL, with its ids."""
    ids: dict[str, str]
    """The ids in the path; the `model` and `assistant_id` of the body."""
    host: str
    port: int
    provider: str
    """"openai", or what the client's dialect says."""
    streamed: bool
    parameters: Mapping[str, float | str | tuple[str, ...]] = {}
    """Those of `PARAMETERS` that the body has, under the names that they have there; `stop` always as a tuple."""


class RequestSent(Struct, frozen=True, kw_only=True):
    """An attempt begins."""

    call: CallDetails
    elapsed: float
    """Seconds since the call began, as in all observations."""
    attempt: int
    """1 for the first."""
    size: int
    """Bytes of the body; 0 if it is streamed itself."""


class ResponseReceived(Struct, frozen=True, kw_only=True):
    """The head of an answer came, whatever its status."""

    call: CallDetails
    elapsed: float
    attempt: int
    status: int
    request_id: str | None


class FirstEvent(Struct, frozen=True, kw_only=True):
    """The first data of a stream was read; comments and pings are none."""

    call: CallDetails
    elapsed: float


class CallFinished(Struct, frozen=True, kw_only=True):
    """The answer is there and whole, or as much of it as its reader wanted: see `left`."""

    call: CallDetails
    elapsed: float
    attempts: int
    status: int
    request_id: str | None
    size: int
    """Bytes of the body, decompressed."""
    events: int
    """Events of the stream; 0 if it is none."""
    response_id: str | None
    """The id of what was answered: a run, a completion, a response."""
    response_model: str | None
    thread_id: str | None
    outcomes: tuple[str, ...]
    """The status of a run or a response; the finish reason of each choice."""
    input_tokens: int | None
    output_tokens: int | None
    service_tier: str | None = None
    """What the answer says which tier has served it."""
    conversation_id: str | None = None
    """The conversation that a response belongs to."""
    left: bool = False
    """The reader left before the end, on purpose or by dropping the stream; what is told is what had come by then."""


class CallFailed(Struct, frozen=True, kw_only=True):
    """An attempt or the whole call failed, or the task that made it or read its stream was cancelled."""

    call: CallDetails
    elapsed: float
    attempt: int
    error: str
    """The name of the error's class."""
    status: int | None
    request_id: str | None
    events: int
    """Events of the stream before it failed."""
    retry_in: float | None
    """Seconds until the next attempt; None: there is none, the call has ended."""


class ToolBegan(Struct, frozen=True, kw_only=True):
    """A stream calls a function that the model asked for."""

    id: int
    """Counts the tools that were observed in this process."""
    name: str
    call_id: str
    """The id under which the model is answered."""
    round: int
    """The number of the answer that asked for it, from 1."""


class ToolEnded(Struct, frozen=True, kw_only=True):
    """It has returned, failed, or was given up."""

    id: int
    name: str
    call_id: str
    round: int
    status: str
    """"returned", "failed", "timed_out" or "cancelled"."""
    elapsed: float
    """Seconds."""
    error: str | None
    """The name of the class of what it raised."""


Observation: TypeAlias = RequestSent | ResponseReceived | FirstEvent | CallFinished | CallFailed | ToolBegan | ToolEnded
Observer: TypeAlias = Callable[[Observation], object]


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Choice(Struct):
    finish_reason: str | None = None


class _Conversation(Struct):
    id: str | None = None


class _Summary(Struct):
    """What is read of any answer; what it does not have is None."""

    id: str | None = None
    model: str | None = None
    thread_id: str | None = None
    status: str | None = None
    usage: _Usage | None = None
    choices: list[_Choice] | None = None
    service_tier: str | None = None
    conversation: _Conversation | str | None = None


@cache
def _summary_decoder() -> "msgspec.json.Decoder[_Summary]":
    # Only who observes needs one.
    return msgspec.json.Decoder(_Summary)


@cache
def _parameters_decoder() -> "msgspec.json.Decoder[Any]":
    # Any: a body that a server is to refuse is no business of an observer's.
    return msgspec.json.Decoder(msgspec.defstruct("_Parameters", [(name, Any, None) for name in PARAMETERS]))


class Watch:
    """Tells observers of one call. Without observers it does nothing; `with` tells them of an exception."""

    __slots__ = ("_attempt", "_began", "_call", "_observers", "_over", "_request_id", "_secrets", "_status")

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self._observers = tuple(observers)
        self._over = not self._observers
        self._attempt = 0
        self._status: int | None = None
        self._request_id: str | None = None

    def begin(self, request: Request, url: URL, *, provider: str, streamed: bool, secrets: Secrets) -> None:
        """Start the clock of the call. Only a watch with observers is begun."""
        self._began = time.perf_counter()
        self._secrets = secrets
        self._call = CallDetails(
            id=next(_numbers),
            method=request.method,
            route=request.route or request.path,
            path=request.path,
            ids=dict(request.ids),
            host=url.host or "",
            port=url.port or 0,
            provider=provider,
            streamed=streamed,
            parameters=_parameters(request.body),
        )

    def headers(self) -> Mapping[str, str]:
        """Return the headers that the observers want to be sent; none of what cannot be sent, which is logged."""
        wanted: dict[str, str] = {}
        for observer in self._observers:
            ask = getattr(observer, "headers", None)
            if callable(ask):
                try:
                    wanted.update(merge_headers(cast("HeaderValues", ask(self._call))))
                except Exception:
                    _LOG.exception("an observer raised at headers")
        return wanted

    @property
    def over(self) -> bool:
        """Whether nothing more is told: the call has ended, or it has no observer."""
        return self._over

    def requested(self, attempt: int, size: int) -> None:
        """Tell that a request is sent."""
        if self._over:
            return
        self._attempt = attempt
        self._tell(RequestSent(call=self._call, elapsed=self._elapsed(), attempt=attempt, size=size))

    def responded(self, status: int, request_id: str | None) -> None:
        """Tell that the head of an answer came."""
        if self._over:
            return
        self._status = status
        self._request_id = None if request_id is None else self._secrets.redact(request_id)
        self._tell(
            ResponseReceived(
                call=self._call,
                elapsed=self._elapsed(),
                attempt=self._attempt,
                status=status,
                request_id=self._request_id,
            )
        )

    def first_event(self) -> None:
        """Tell that the first data of a stream was read."""
        if not self._over:
            self._tell(FirstEvent(call=self._call, elapsed=self._elapsed()))

    def finished(
        self, *, size: int, body: bytes = b"", result: object = None, events: int = 0, left: bool = False
    ) -> None:
        """Tell that the call ended well: of the answer, as JSON or as a struct, the ids and counts.

        Args:
            size: Bytes of the body that came.
            body: The answer as JSON, if it is that.
            result: The answer as a struct, if it is that; what is there of one that was left.
            events: Events of its stream.
            left: Whether its reader left before the end.
        """
        if self._over:
            return
        self._over = True
        summary = _summary(body, result)
        usage = summary.usage or _Usage()
        outcomes = [summary.status] if summary.choices is None else [item.finish_reason for item in summary.choices]
        self._tell(
            CallFinished(
                call=self._call,
                elapsed=self._elapsed(),
                attempts=self._attempt,
                status=self._status or 0,
                request_id=self._request_id,
                size=size,
                events=events,
                response_id=summary.id or None,
                response_model=summary.model or None,
                thread_id=summary.thread_id or None,
                outcomes=tuple(outcome for outcome in outcomes if outcome),
                input_tokens=_first(usage.prompt_tokens, usage.input_tokens),
                output_tokens=_first(usage.completion_tokens, usage.output_tokens),
                service_tier=summary.service_tier or None,
                conversation_id=_id_of(summary.conversation),
                left=left,
            )
        )

    def failed(self, error: BaseException, *, events: int = 0, retry_in: float | None = None) -> None:
        """Tell that an attempt failed that is followed by another, or that the call did."""
        if self._over:
            return
        self._over = retry_in is None
        self._tell(
            CallFailed(
                call=self._call,
                elapsed=self._elapsed(),
                attempt=self._attempt,
                error=type(error).__name__,
                status=self._status,
                request_id=self._request_id,
                events=events,
                retry_in=retry_in,
            )
        )
        self._status = self._request_id = None

    def __enter__(self) -> "Watch":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self.failed(error)

    def _elapsed(self) -> float:
        return time.perf_counter() - self._began

    def _tell(self, observation: Observation) -> None:
        _tell(self._observers, observation)


class ToolWatch:
    """Tells observers of the tools that a stream runs."""

    __slots__ = ("_observers",)

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def began(self, name: str, call_id: str, round: int) -> ToolBegan:
        """Tell that a function is called; what is returned is what its end is told with."""
        began = ToolBegan(id=next(_tools), name=name, call_id=call_id, round=round)
        _tell(self._observers, began)
        return began

    def ended(self, began: ToolBegan, status: str, elapsed: float, error: BaseException | None) -> None:
        """Tell that it has ended."""
        if self._observers:
            name = None if error is None else type(error).__name__
            members = msgspec.structs.asdict(began)
            _tell(self._observers, ToolEnded(**members, status=status, elapsed=elapsed, error=name))


def _tell(observers: Iterable[Observer], observation: Observation) -> None:
    for observer in observers:
        try:
            observer(observation)
        except Exception:
            _LOG.exception("an observer raised at %s", type(observation).__name__)


SILENT = Watch()
"""The watch of calls that have no observer."""


def _summary(body: bytes, result: object) -> _Summary:
    try:
        if body:
            return _summary_decoder().decode(body)
        if result is not None:
            return msgspec.convert(result, _Summary, from_attributes=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # An answer of odd types is no business of an observer's.
        pass
    return _Summary()


def _parameters(body: bytes | None) -> dict[str, float | str | tuple[str, ...]]:
    told: dict[str, float | str | tuple[str, ...]] = {}
    try:
        asked = _parameters_decoder().decode(body or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return told
    for name in PARAMETERS:
        match name, getattr(asked, name):
            case "stop", str(text):
                told[name] = (text,)
            case "stop", list(texts) if all(isinstance(text, str) for text in texts):
                told[name] = tuple(texts)
            case "service_tier", str(tier):
                told[name] = tier
            case "stop" | "service_tier", _:
                pass
            case _, int(number) | float(number) if not isinstance(number, bool):
                told[name] = number
            case _:
                pass
    return told


def _id_of(conversation: _Conversation | str | None) -> str | None:
    return (conversation.id if isinstance(conversation, _Conversation) else conversation) or None


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one
