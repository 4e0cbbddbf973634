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
_CHAT_STREAMS = (("chat", "chat"), ("chat calls", "calls"), ("chat tools", "args"))

TARGETS = (
    *(
        RatioTarget("P1", section, ("openai raw", stream), (_RAW, stream), "at least", limit)
        for section, stream, limit in (("text", "text", 40), ("code", "code", 35), ("cited", "cited", 35))
    ),
    *(
        RatioTarget("P1", section, ("openai chat raw", stream), (_CHAT, stream), "at least", limit)
        for section, stream, limit in (("chat", "chat", 40), ("chat calls", "calls", 35), ("chat tools", "args", 35))
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
        RatioTarget("P3", stream, (_RAW, stream), (_BARE, stream), "at most", 1.5)
        for stream in ("text", "code", "cited")
    ),
    *(
        RatioTarget("P3", section, (_CHAT, stream), (_BARE, stream), "at most", 1.5)
        for section, stream in _CHAT_STREAMS
    ),
    RatioTarget("P4", "live", (_RAW, "text"), (_FLOOR, "text"), "at most", 1.4),
    RatioTarget("P4", "chat live", (_CHAT, "chat"), (_FLOOR, "chat"), "at most", 1.4),
    RatioTarget("P5", "live", ("openai raw", "text"), (_RAW, "text"), "at least", 2.5),
    RatioTarget("P5", "live", ("openai accumulating", "text"), (_FOLD, "text"), "at least", 2.7),
    RatioTarget("P5", "chat live", ("openai chat raw", "chat"), (_CHAT, "chat"), "at least", 2.5),
    RatioTarget("P5", "chat live", ("openai chat accumulating", "chat"), (_CHAT_FOLD, "chat"), "at least", 4.5),
    *(
        RatioTarget("P6", "growth", (adapter, f"long {stream}"), (adapter, stream), "at most", 1.15)
        for stream in ("text", "cited")
        for adapter in (_RAW, _FOLD)
    ),
    *(
        RatioTarget("P6", "chat growth", (adapter, "long args"), (adapter, "args"), "at most", 1.15)
        for adapter in (_CHAT, _CHAT_FOLD)
    ),
    RatioTarget("P7", "huge", (_RAW, "huge"), (_BARE, "huge"), "at most", 1.5),
    RatioTarget("P9", "short", ("openai raw", "short"), (_RAW, "short"), "at least", 8),
)
"""By their numbers; P7's memory, P8, and P10 with P11 are in `memory`, `imports` and `streams`."""


def judge(section: Section, costs: Mapping[Cell, Costs]) -> list[Figure]:
    """Return the figure of every target of a section whose peers are installed."""
    figures = (target.figure(section, costs) for target in TARGETS if target.section == section.name)
    return [figure for figure in figures if figure is not None]
