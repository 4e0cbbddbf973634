"""The plot of cost against the length of the answer, a line a peer. Needs matplotlib."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.sections import Result
from benchmarks.workloads import make

__all__ = ["draw"]


def draw(measured: Sequence[Result], facts: Mapping[str, str], path: str) -> None:
    """Draw a panel a section, both axes logarithmic, into a file; its ending says the format."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(measured), figsize=(6 * len(measured), 5), sharey=True, squeeze=False)
    for panel, (section, costs) in zip(panels[0], measured, strict=True):
        for adapter in dict.fromkeys(cell.adapter for cell in costs):
            points = [
                (make(cell.stream.rpartition(".")[0]).seen.events, median(cost.seconds) / cost.events * 1e6)
                for cell, cost in costs.items()
                if cell.adapter == adapter
            ]
            ours = adapter.startswith("asyncstream")
            panel.plot(*zip(*points, strict=True), marker="o", label=adapter, linewidth=2.5 if ours else 1.2)
        panel.set(title=section.title, xlabel="events in the answer", xscale="log", yscale="log")
        lengths = sorted({cost.events for cost in costs.values()})
        panel.set_xticks(lengths, labels=[f"{length:,}" for length in lengths])
        panel.set_xticks([], minor=True)
        panel.grid(visible=True, which="both", alpha=0.2)
    panels[0][0].set_ylabel("client CPU, us an event")
    panels[0][-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    figure.suptitle(f"asyncstream {facts['asyncstream']}, openai {facts['openai']}, Python {facts['python']}")
    figure.savefig(path, bbox_inches="tight", dpi=120)
    pyplot.close(figure)
