"""What is asked for, as ratios of two cells of one section: the table of targets, and how it is judged.

A ratio is the median of the ratios of all rounds. A target without a limit is only told: P1 and P3 are judged in
instructions (`instructions`), which repeat; P1, P5, P6, P7 and P9 of Responses have no limit yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.rounds import Cell, Costs, Spread, ratio
from benchmarks.sections import Section

__all__ = ["TARGETS", "Figure", "RatioTarget", "judge"]


@dataclass(frozen=True)
class Figure:
    """One figure against its target."""

    id: str
    says: str
    value: Spread
    unit: str
    bound: Literal["at least", "at most"]
    limit: float | None
    """None: nothing is asked for here."""

    @property
    def met(self) -> bool | None:
        """Whether the median is on the right side of the limit; None without one."""
        if self.limit is None:
            return None
        return self.value.median >= self.limit if self.bound == "at least" else self.value.median <= self.limit


@dataclass(frozen=True)
class RatioTarget:
    """How often the cost of one cell must at least or may at most contain that of another."""

    id: str
    section: str
    above: tuple[str, str]
    """The adapter and the section's stream whose cost is divided."""
    below: tuple[str, str]
    """The adapter and the section's stream by whose cost it is divided."""
    bound: Literal["at least", "at most"]
    limit: float | None = None

    def figure(self, section: Section, costs: Mapping[Cell, Costs]) -> Figure | None:
        """Judge the costs of its section; None if a peer is not installed."""
        above = costs.get(section.cell(*self.above))
        below = costs.get(section.cell(*self.below))
        if above is None or below is None:
            return None
        if self.above[0] == self.below[0]:
            says = f"{self.above[0]}: {section.workloads[self.above[1]]} / {section.workloads[self.below[1]]}"
        else:
            says = f"{self.above[0]} / {self.below[0]}: {section.workloads[self.above[1]]} {section.pacing}"
        value = ratio(above, below, per_event=section.per == "event")
        return Figure(self.id, says, value, "x", self.bound, self.limit)


_RAW = "asyncstream raw"
_FOLD = "asyncstream accumulating"
_BARE = "bare aiohttp + msgspec"
_FLOOR = "aiohttp, read only"
_CHAT = "asyncstream chat raw"
_CHAT_FOLD = "asyncstream chat accumulating"
_RESPONSES = "asyncstream responses raw"
_RESPONSES_FOLD = "asyncstream responses accumulating"
_RESPONSES_STREAMS = (
    ("responses", "response"),
    ("responses cited", "citedresponse"),
    ("responses tools", "responseargs"),
)
_CHAT_STREAMS = (("chat", "chat"), ("chat calls", "calls"), ("chat tools", "args"))

TARGETS = (
    *(
        RatioTarget("P1", section, (peer, stream), (own, stream), "at least")
        for peer, own, streams in (
            ("openai raw", _RAW, (("text", "text"), ("code", "code"), ("cited", "cited"))),
            ("openai chat raw", _CHAT, _CHAT_STREAMS),
            ("openai responses raw", _RESPONSES, _RESPONSES_STREAMS),
        )
        for section, stream in streams
    ),
    *(
        RatioTarget("P2", stream, ("openai accumulating", stream), (_FOLD, stream), "at least", 35)
        for stream in ("text", "code", "cited")
    ),
    *(
        RatioTarget("P2", section, ("openai chat accumulating", stream), (_CHAT_FOLD, stream), "at least", 60)
        for section, stream in _CHAT_STREAMS
    ),
    *(
        RatioTarget("P2", section, ("openai responses accumulating", stream), (_RESPONSES_FOLD, stream), "at least", 60)
        for section, stream in _RESPONSES_STREAMS
    ),
    *(
        RatioTarget("P3", section, (adapter, stream), (_BARE, stream), "at most")
        for section, adapter, stream in (
            ("text", _RAW, "text"),
            ("code", _RAW, "code"),
            ("cited", _RAW, "cited"),
            *((section, _CHAT, stream) for section, stream in _CHAT_STREAMS),
            *((section, _RESPONSES, stream) for section, stream in _RESPONSES_STREAMS),
        )
    ),
    RatioTarget("P4", "live", (_RAW, "text"), (_FLOOR, "text"), "at most", 1.2),
    RatioTarget("P4", "chat live", (_CHAT, "chat"), (_FLOOR, "chat"), "at most", 1.25),
    RatioTarget("P4", "responses live", (_RESPONSES, "response"), (_FLOOR, "response"), "at most", 1.25),
    *(
        RatioTarget("P5", section, (peer, stream), (own, stream), "at least", limit)
        for section, peer, own, stream, limit in (
            ("live", "openai raw", _RAW, "text", 3),
            ("live", "openai accumulating", _FOLD, "text", 3),
            ("chat live", "openai chat raw", _CHAT, "chat", 3),
            ("chat live", "openai chat accumulating", _CHAT_FOLD, "chat", 5),
            ("responses live", "openai responses raw", _RESPONSES, "response", None),
            ("responses live", "openai responses accumulating", _RESPONSES_FOLD, "response", None),
        )
    ),
    *(
        RatioTarget("P6", section, (adapter, f"long {stream}"), (adapter, stream), "at most", limit)
        for section, stream, adapters, limit in (
            ("growth", "text", (_RAW, _FOLD), 1.15),
            ("growth", "cited", (_RAW, _FOLD), 1.15),
            ("chat growth", "args", (_CHAT, _CHAT_FOLD), 1.15),
            ("chat growth", "calls", (_CHAT, _CHAT_FOLD), 1.15),
            ("responses growth", "response", (_RESPONSES, _RESPONSES_FOLD), None),
            ("responses growth", "cited", (_RESPONSES, _RESPONSES_FOLD), None),
            ("responses growth", "args", (_RESPONSES, _RESPONSES_FOLD), None),
        )
        for adapter in adapters
    ),
    RatioTarget("P7", "huge", (_RAW, "huge"), (_BARE, "huge"), "at most", 1.5),
    RatioTarget("P7", "responses picture", (_RESPONSES, "picture"), (_BARE, "picture"), "at most"),
    RatioTarget("P9", "short", ("openai raw", "short"), (_RAW, "short"), "at least", 7.5),
    RatioTarget(
        "P9",
        "responses short",
        ("openai responses raw", "shortresponse"),
        (_RESPONSES, "shortresponse"),
        "at least",
    ),
)
"""By their numbers; P4 on uvloop, memory of P7, P8, P10 and P11 are in `loops`, `memory`, `imports` and `streams`."""


def judge(section: Section, costs: Mapping[Cell, Costs]) -> list[Figure]:
    """Return the figure of every target of a section whose peers are installed."""
    figures = (target.figure(section, costs) for target in TARGETS if target.section == section.name)
    return [figure for figure in figures if figure is not None]
