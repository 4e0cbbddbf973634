"""Which peers meet on which streams. The cells of a section are interleaved with each other, and with nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from benchmarks.adapters import ADAPTERS
from benchmarks.rounds import Cell, Costs

__all__ = ["LENGTHS", "LENGTH_SECTIONS", "SECTIONS", "Result", "Section", "quick"]

_OWN = ("asyncstream raw", "asyncstream accumulating", "asyncstream handler")
_OPENAI = ("openai raw", "openai accumulating", "openai handler")
_LIBRARIES = ("aiohttp-sse-client + msgspec", "httpx-sse + msgspec")
_LIMITS = ("bare aiohttp + msgspec", "aiohttp, read only")
_OPENAI_ON_AIOHTTP = ("openai raw, aiohttp backend", "openai accumulating, aiohttp backend")
_EVERYBODY = (*_OWN, "asyncstream text", *_OPENAI, *_OPENAI_ON_AIOHTTP, *_LIBRARIES, *_LIMITS)
_ON_CODE = tuple(name for name in _EVERYBODY if name != "asyncstream text")


@dataclass(frozen=True)
class Section:
    """Cells that are compared with each other."""

    name: str
    title: str
    adapters: tuple[str, ...]
    workloads: Mapping[str, str]
    """What targets call a stream -> the workload that it is."""
    pacing: Literal["bulk", "chunked", "live"] = "bulk"
    per: Literal["event", "request"] = "event"
    rounds: int = 9

    def cell(self, adapter: str, stream: str) -> Cell:
        """Return the cell of a peer on one of the section's streams."""
        return Cell(adapter, f"{self.workloads[stream]}.{self.pacing}")

    def cells(self) -> list[Cell]:
        """Return the cells of the peers that are installed."""
        here = [name for name in self.adapters if not ADAPTERS[name].missing()]
        return [self.cell(name, stream) for stream in self.workloads for name in here]


class Result(NamedTuple):
    """A section and what its cells cost."""

    section: Section
    costs: dict[Cell, Costs]


SECTIONS: tuple[Section, ...] = (
    Section("text", "assistants text, bulk", _EVERYBODY, {"text": "text-2000"}),
    Section("code", "code interpreter, bulk", _ON_CODE, {"code": "code-2000"}),
    Section("cited", "text with a citation in every 10th delta, bulk", _EVERYBODY, {"cited": "cited-2000"}),
    Section(
        "chunked",
        "assistants text, everything at once, one HTTP chunk an event",
        ("asyncstream raw", "openai raw", *_LIMITS),
        {"text": "text-2000"},
        "chunked",
    ),
    Section(
        "live",
        "assistants text, live (a write each 500 us)",
        _EVERYBODY,
        {"text": "text-1000"},
        "live",
        rounds=11,
    ),
    Section(
        "growth",
        "growth with the length of the answer, bulk",
        ("asyncstream raw", "asyncstream accumulating"),
        {"text": "text-2000", "long text": "text-50000", "cited": "cited-2000", "long cited": "cited-50000"},
    ),
    Section(
        "short",
        "short requests: 9 events, kept-alive",
        (*_OWN, *_OPENAI, *_LIMITS),
        {"short": "short-4"},
        per="request",
        rounds=15,
    ),
    Section(
        "huge",
        "one huge ASCII event",
        ("asyncstream raw", "asyncstream accumulating", *_LIMITS),
        {"huge": "huge-5000000"},
        per="request",
    ),
)

_CHAT = ("asyncstream chat raw", "asyncstream chat accumulating")
_OPENAI_CHAT = ("openai chat raw", "openai chat accumulating")
_OPENAI_CHAT_ON_AIOHTTP = ("openai chat raw, aiohttp backend", "openai chat accumulating, aiohttp backend")
_ON_CALLS = (*_CHAT, *_OPENAI_CHAT, *_OPENAI_CHAT_ON_AIOHTTP, *_LIBRARIES, *_LIMITS)
_ON_CHAT = (*_CHAT, "asyncstream chat text", *_ON_CALLS[2:])

CHAT_SECTIONS = (
    Section("chat", "chat text, bulk", _ON_CHAT, {"chat": "chat-2000"}),
    Section("chat calls", "four parallel tool calls, bulk", _ON_CALLS, {"calls": "calls-2000"}),
    Section("chat tools", "chat tool arguments, a character each, bulk", _ON_CALLS, {"args": "args-2000"}),
    Section(
        "chat live",
        "chat text, live (a write each 500 us)",
        _ON_CHAT,
        {"chat": "chat-1000"},
        "live",
        rounds=11,
    ),
    Section(
        "chat growth",
        "growth with the length of tool arguments, and with the number of calls, bulk",
        _CHAT,
        {
            "args": "args-2000",
            "long args": "args-117000",
            "calls": "callsmany-1000",
            "long calls": "callsmany-16000",
        },
        rounds=5,
    ),
)

_RESPONSES = ("asyncstream responses raw", "asyncstream responses accumulating")
_OPENAI_RESPONSES = ("openai responses raw", "openai responses accumulating")
_ON_ARGUMENTS = (*_RESPONSES, *_OPENAI_RESPONSES, *_LIMITS)
_ON_RESPONSES = (*_RESPONSES, "asyncstream responses text", *_OPENAI_RESPONSES, *_LIMITS)

RESPONSES_SECTIONS = (
    Section("responses", "responses text, bulk", _ON_RESPONSES, {"response": "response-2000"}),
    Section(
        "responses cited",
        "responses text with a citation behind every 10th delta, bulk",
        _ON_RESPONSES,
        {"citedresponse": "citedresponse-2000"},
    ),
    Section(
        "responses tools",
        "responses function arguments, a character each, bulk",
        _ON_ARGUMENTS,
        {"responseargs": "responseargs-2000"},
    ),
    Section(
        "responses live",
        "responses text, live (a write each 500 us)",
        _ON_RESPONSES,
        {"response": "response-1000"},
        "live",
        rounds=11,
    ),
    Section(
        "responses growth",
        "growth with the length of a response, bulk",
        _RESPONSES,
        {
            "response": "response-2000",
            "long response": "response-50000",
            "cited": "citedresponse-2000",
            "long cited": "citedresponse-50000",
            "args": "responseargs-2000",
            "long args": "responseargs-117000",
        },
        rounds=5,
    ),
    Section(
        "responses short",
        "short responses: 12 events, kept-alive",
        _ON_ARGUMENTS,
        {"shortresponse": "shortresponse-4"},
        per="request",
        rounds=15,
    ),
    Section(
        "responses picture",
        "one generated image of 27 MB, sent twice",
        _ON_ARGUMENTS,
        {"picture": "picture-27000000"},
        per="request",
        rounds=5,
    ),
)

SECTIONS = (*SECTIONS, *CHAT_SECTIONS, *RESPONSES_SECTIONS)

LENGTHS = (250, 500, 1000, 2000, 4000)

LENGTH_SECTIONS = tuple(
    Section(
        f"{kind} by length",
        f"{title}, bulk",
        adapters,
        {f"{length:,} deltas": f"{kind}-{length}" for length in LENGTHS},
        rounds=3,
    )
    for kind, title, adapters in (
        ("text", "Assistants: text", (*_OWN[:2], *_OPENAI[:2], *_LIBRARIES, *_LIMITS)),
        ("cited", "Assistants: a citation in every 10th delta", (*_OWN[:2], *_OPENAI[:2], *_LIBRARIES, *_LIMITS)),
        ("chat", "Chat: text", (*_CHAT, *_OPENAI_CHAT, *_LIBRARIES, *_LIMITS)),
    )
)
"""For the plot: what every peer costs as the answer grows."""


def quick(section: Section) -> Section:
    """Return a section with short streams and two rounds: it shows that all runs and all counts agree, no figures."""
    workloads = {stream: _shortened(workload) for stream, workload in section.workloads.items()}
    return replace(section, workloads=workloads, rounds=2)


def _shortened(workload: str) -> str:
    kind, _, size = workload.rpartition("-")
    return f"{kind}-{max(4, int(size) // 20)}"
