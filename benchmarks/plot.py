"""The plots: cost against the length of the answer, and speed against the number of streams, a line a peer.

They need matplotlib. Their ground is white, so that they can be read on a dark page too. As SVG their text is text,
which keeps them small.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.sections import Result
from benchmarks.workloads import make

__all__ = ["draw", "draw_scale"]

_LOOKS: dict[str, dict[str, Any]] = {
    "asyncstream raw": {"color": "#0b5cad", "linewidth": 2.4},
    "asyncstream accumulating": {"color": "#0b5cad", "linewidth": 2.4, "linestyle": "--"},
    "openai raw": {"color": "#c8401c"},
    "openai accumulating": {"color": "#c8401c", "linestyle": "--"},
    "aiohttp-sse-client + msgspec": {"color": "#7a5ea8"},
    "httpx-sse + msgspec": {"color": "#2f855a"},
    "bare aiohttp + msgspec": {"color": "#333333"},
    "aiohttp, read only": {"color": "#333333", "linestyle": ":"},
}
"""A colour a peer, so that nobody has to tell eight apart: raw is a line, accumulating is dashed."""


def draw(measured: Sequence[Result], facts: Mapping[str, str], path: str) -> None:
    """Draw a panel a section, both axes logarithmic, into a file; its ending says the format."""
    pyplot = _pyplot()
    figure, panels = pyplot.subplots(1, len(measured), figsize=(3.9 * len(measured), 4.2), sharey=True, squeeze=False)
    lines: dict[str, Any] = {}
    for panel, (section, costs) in zip(panels[0], measured, strict=True):
        for adapter in dict.fromkeys(cell.adapter for cell in costs):
            points = [
                (make(cell.stream.rpartition(".")[0]).seen.events, median(cost.seconds) / cost.events * 1e6)
                for cell, cost in costs.items()
                if cell.adapter == adapter
            ]
            # Chat is a panel of its own: there a peer goes by the same name.
            name = adapter.replace(" chat ", " ")
            (lines[name],) = panel.plot(*zip(*points, strict=True), marker="o", markersize=3, **_LOOKS.get(name, {}))
        panel.set(xlabel="events in the answer", xscale="log", yscale="log")
        panel.set_title(section.title, fontsize=10)
        lengths = sorted({cost.events for cost in costs.values()})
        panel.set_xticks(lengths, labels=[f"{length:,}" for length in lengths])
        panel.set_xticks([], minor=True)
        _dress(panel)
    panels[0][0].set_ylabel("client CPU, microseconds an event")
    _save(pyplot, figure, lines, facts, path, columns=4)


def draw_scale(
    peers: Mapping[tuple[str, int], Sequence[tuple[int, float]]], facts: Mapping[str, str], path: str
) -> None:
    """Draw how many events a second one process could read, against the number of its streams, into a file.

    Args:
        peers: Peer and events a second that came -> numbers of streams, and events a second.
        facts: As `report.environment` gives them.
        path: Its ending says the format.
    """
    pyplot = _pyplot()
    figure, panel = pyplot.subplots(figsize=(6.8, 4.2))
    lines: dict[str, Any] = {}
    most = max(per_second for _, per_second in peers)
    for (adapter, per_second), points in peers.items():
        peer = adapter.replace(" chat ", " ")
        looks = _LOOKS[peer] | ({} if per_second == most else {"linestyle": "--"})
        name = f"{peer}, at {per_second:,} a second"
        (lines[name],) = panel.plot(*zip(*points, strict=True), marker="o", markersize=3, **looks)
    panel.set(xlabel="streams at once", ylabel="events a second that one process could read", xscale="log")
    panel.set_ylim(bottom=0)
    panel.set_title("Chat, live: one event a read", fontsize=10)
    counts = sorted({streams for points in peers.values() for streams, _ in points})
    panel.set_xticks(counts, labels=[f"{count:,}" for count in counts])
    panel.set_xticks([], minor=True)
    _dress(panel)
    _save(pyplot, figure, lines, facts, path, columns=2)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    # Without a salt the ids in the file change with every run.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "asyncstream", "font.size": 9})
    from matplotlib import pyplot

    return pyplot


def _dress(panel: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    panel.grid(visible=True, alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)


def _save(
    pyplot: Any, figure: Any, lines: Mapping[str, Any], facts: Mapping[str, str], path: str, *, columns: int
) -> None:
    legend = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "ncols": columns, "frameon": False}
    figure.legend(lines.values(), lines.keys(), **legend)
    versions = f"asyncstream {facts['asyncstream']}, openai {facts['openai']}, Python {facts['python']}"
    figure.suptitle(f"{versions}; {facts['date'][:10]}", fontsize=9, color="#555555")
    figure.tight_layout()
    # As the ids, so the time of drawing: the same figures are the same file.
    metadata = {"Date": None} if path.endswith(".svg") else None
    figure.savefig(path, bbox_inches="tight", dpi=120, facecolor="white", metadata=metadata)
    pyplot.close(figure)
