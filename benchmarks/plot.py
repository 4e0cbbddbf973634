"""The plot of cost against the length of the answer, a line a peer. Needs matplotlib.

Its ground is white, so that it can be read on a dark page too. As SVG its text is text, which keeps it small.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.sections import Result
from benchmarks.workloads import make

__all__ = ["draw"]

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
    import matplotlib as mpl

    mpl.use("Agg")
    # Without a salt the ids in the file change with every run.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "asyncstream", "font.size": 9})
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter

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
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        panel.grid(visible=True, alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("client CPU, microseconds an event")
    figure.legend(lines.values(), lines.keys(), loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4, frameon=False)
    versions = f"asyncstream {facts['asyncstream']}, openai {facts['openai']}, Python {facts['python']}"
    figure.suptitle(f"{versions}; {facts['date'][:10]}", fontsize=9, color="#555555")
    figure.tight_layout()
    # As the ids, so the time of drawing: the same figures are the same file.
    metadata = {"Date": None} if path.endswith(".svg") else None
    figure.savefig(path, bbox_inches="tight", dpi=120, facecolor="white", metadata=metadata)
    pyplot.close(figure)
