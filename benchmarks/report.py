"""How results are shown: plain tables, and one JSON object with every figure of every round."""

import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.rounds import Cell, Costs, Spread, ratio
from benchmarks.sections import Result, Section
from benchmarks.targets import Figure

__all__ = ["aligned", "as_json", "cost_table", "environment", "environment_lines", "target_table"]

_PACKAGES = ("asyncstream", "aiohttp", "msgspec", "openai", "httpx", "httpx-sse", "aiohttp-sse-client")


def environment(program: str = "benchmarks") -> dict[str, str]:
    """Return what the figures of a program depend on: when, where, which arguments, and which versions."""
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "command": " ".join([f"python -m {program}", *sys.argv[1:]]),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def environment_lines(facts: Mapping[str, str]) -> list[str]:
    """Return the facts in two lines."""
    versions = ", ".join(f"{name} {facts[name]}" for name in ("python", *_PACKAGES))
    return [f"{facts['date']}; {facts['system']}; {facts['command']}", versions]


def cost_table(section: Section, costs: Mapping[Cell, Costs]) -> list[str]:
    """Return the costs of a section: median, lowest and highest of all rounds, and against the first peer there."""
    per_event = section.per == "event"
    scale, unit = (1e6, "us an event") if per_event else (1e3, "ms a request")
    first = next(iter(costs)).adapter
    rows: list[tuple[str, ...]] = [(f"client CPU, {unit}", "stream", "median", "low", "high", f"/ {first}")]
    for cell, cost in costs.items():
        spread = Spread.of([seconds * scale / (cost.events if per_event else 1) for seconds in cost.seconds])
        against = ratio(cost, costs[Cell(first, cell.stream)], per_event=per_event).median
        figures = (*(f"{figure:.2f}" for figure in spread), f"{against:.2f}x")
        rows.append((cell.adapter, cell.stream, *figures))
    return [f"{section.title} ({section.rounds} rounds)", *aligned(rows, left=2)]


def target_table(figures: Iterable[Figure], *, judged: bool) -> list[str]:
    """Return every figure beside its target, and whether it is met."""
    rows: list[tuple[str, ...]] = [
        ("", "ratios of CPU times, and other figures", "median", "low", "high", "target", "")
    ]
    for figure in figures:
        places = 1 if figure.value.median >= 10 else 2
        spread = (f"{value:.{places}f}{figure.unit}" for value in figure.value)
        limit = "" if figure.limit is None else f"{figure.bound} {figure.limit:g}{figure.unit}"
        verdict = {True: "pass", False: "short", None: ""}[figure.met] if judged else ""
        rows.append((figure.id, figure.says, *spread, limit, verdict))
    return aligned(rows, left=2)


def aligned(rows: Sequence[tuple[str, ...]], *, left: int) -> list[str]:
    """Return a line a row; the first columns are aligned to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if position < left else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def as_json(
    facts: Mapping[str, str],
    measured: Sequence[Result],
    figures: Sequence[Figure],
    skipped: Mapping[str, list[str]],
) -> dict[str, Any]:
    """Return everything that was measured: seconds of CPU time a request, round by round."""
    return {
        "environment": dict(facts),
        "sections": [
            {
                "name": section.name,
                "title": section.title,
                "rounds": section.rounds,
                "cells": [{**cell._asdict(), **cost._asdict()} for cell, cost in costs.items()],
            }
            for section, costs in measured
        ],
        "targets": [{**asdict(figure), "value": figure.value._asdict(), "met": figure.met} for figure in figures],
        "skipped": dict(skipped),
    }
