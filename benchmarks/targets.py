"""What is asked for, as ratios of two cells of one section: the table of targets, and how it is judged.

A ratio is the median of the ratios of all rounds.
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
    limit: float

    @property
    def met(self) -> bool:
        """Whether the median is on the right side of the limit."""
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
    limit: float

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
        RatioTarget("P1", section, ("openai raw", stream), (_RAW, stream), "at least", limit)
        for section, stream, limit in (("text", "text", 45), ("code", "code", 40), ("cited", "cited", 40))
    ),
    *(
        RatioTarget("P1", section, ("openai chat raw", stream), (_CHAT, stream), "at least", limit)
        for section, stream, limit in (("chat", "chat", 38), ("chat calls", "calls", 30), ("chat tools", "args", 30))
    ),
    *(
        RatioTarget("P1", section, ("openai responses raw", stream), (_RESPONSES, stream), "at least", 38)
        for section, stream in _RESPONSES_STREAMS
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
        RatioTarget("P3", section, (adapter, stream), (_BARE, stream), "at most", limit)
        for section, adapter, stream, limit in (
            ("text", _RAW, "text", 1.5),
            ("code", _RAW, "code", 1.5),
            ("cited", _RAW, "cited", 1.6),
            ("chat", _CHAT, "chat", 1.5),
            ("chat calls", _CHAT, "calls", 1.7),
            ("chat tools", _CHAT, "args", 1.7),
            ("responses", _RESPONSES, "response", 1.6),
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
            ("responses live", "openai responses raw", _RESPONSES, "response", 3),
            ("responses live", "openai responses accumulating", _RESPONSES_FOLD, "response", 3),
        )
    ),
    *(
        RatioTarget("P6", section, (adapter, f"long {stream}"), (adapter, stream), "at most", 1.15)
        for section, stream, adapters in (
            ("growth", "text", (_RAW, _FOLD)),
            ("growth", "cited", (_RAW, _FOLD)),
            ("chat growth", "args", (_CHAT, _CHAT_FOLD)),
            ("responses growth", "response", (_RESPONSES, _RESPONSES_FOLD)),
            ("responses growth", "cited", (_RESPONSES, _RESPONSES_FOLD)),
            ("responses growth", "args", (_RESPONSES, _RESPONSES_FOLD)),
        )
        for adapter in adapters
    ),
    RatioTarget("P7", "huge", (_RAW, "huge"), (_BARE, "huge"), "at most", 1.5),
    RatioTarget("P7", "responses picture", (_RESPONSES, "picture"), (_BARE, "picture"), "at most", 1.5),
    RatioTarget("P9", "short", ("openai raw", "short"), (_RAW, "short"), "at least", 7.5),
    RatioTarget(
        "P9",
        "responses short",
        ("openai responses raw", "shortresponse"),
        (_RESPONSES, "shortresponse"),
        "at least",
        7.5,
    ),
)
"""By their numbers; P7's memory, P8, and P10 with P11 are in `memory`, `imports` and `streams`."""


def judge(section: Section, costs: Mapping[Cell, Costs]) -> list[Figure]:
    """Return the figure of every target of a section whose peers are installed."""
    figures = (target.figure(section, costs) for target in TARGETS if target.section == section.name)
    return [figure for figure in figures if figure is not None]
