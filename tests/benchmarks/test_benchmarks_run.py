"""The benchmark harness runs, and every peer that is installed sees exactly what was sent. No figure is judged here."""

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncstream.events import DoneEvent, decode_stream
from benchmarks.adapters import ADAPTERS, Adapter
from benchmarks.rounds import Cell, Costs, CountsDiffer, measure_rounds, ratio
from benchmarks.sections import SECTIONS, quick
from benchmarks.server import PACINGS, running
from benchmarks.targets import TARGETS, judge
from benchmarks.workloads import CHAT_KINDS, KINDS, make

ROOT = Path(__file__).parents[2]

STREAMS = [f"{kind}-30.{pacing}" for kind in KINDS for pacing in PACINGS]
CHAT_STREAMS = [f"{kind}-30.{pacing}" for kind in CHAT_KINDS for pacing in PACINGS]


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
def peer_warnings() -> Iterator[None]:
    """Let peers warn as they like: that is no fault of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def installed(adapter: Adapter) -> Adapter:
    missing = adapter.missing()
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    return adapter


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.usefixtures("peer_warnings")
async def test_peer_sees_every_event_and_character(base_url: str, name: str) -> None:
    streams = CHAT_STREAMS if " chat " in name else STREAMS
    cells = [Cell(installed(ADAPTERS[name]).name, stream) for stream in streams]
    if name == "asyncstream text":
        cells = [cell for cell in cells if not cell.stream.startswith("code")]

    costs = await measure_rounds(base_url, cells, 1)

    assert [len(cost.seconds) for cost in costs.values()] == [1] * len(cells)


async def test_wrong_counts_are_an_error(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.rounds._expected", lambda cell: make("text-4").seen)

    with pytest.raises(CountsDiffer, match=r"asyncstream raw saw 40 events in text-30\.bulk, 14 were sent"):
        await measure_rounds(base_url, [Cell("asyncstream raw", "text-30.bulk")], 1)


@pytest.mark.parametrize("kind", KINDS)
def test_prepared_stream_knows_its_events(kind: str) -> None:
    events = decode_stream(b"".join(make(f"{kind}-30").frames), "assistants")

    assert [event.event for event in events].count("unknown") == 0


@pytest.mark.parametrize("kind", [*KINDS, *CHAT_KINDS])
def test_prepared_stream_is_complete_and_counted(kind: str) -> None:
    workload = make(f"{kind}-30")

    events = list(decode_stream(b"".join(workload.frames), "chat" if kind in CHAT_KINDS else "assistants"))

    assert isinstance(events[-1], DoneEvent)
    assert workload.seen.events == len(events) - 1
    assert all(frame.endswith(b"\n\n") and frame.count(b"\n\n") == 1 for frame in workload.frames)


def test_every_target_has_its_cells() -> None:
    for section in SECTIONS:
        costs = {cell: Costs(10, [1.0]) for cell in section.cells()}
        possible = [
            target
            for target in TARGETS
            if target.section == section.name
            and not any(ADAPTERS[name].missing() for name, _ in (target.above, target.below))
        ]

        assert len(possible) == len(judge(section, costs))


def test_ratio_is_taken_round_by_round() -> None:
    spread = ratio(Costs(100, [1.0, 4.0, 9.0]), Costs(10, [1.0, 2.0, 3.0]))

    assert spread == (2.0, 1.0, 3.0)
    assert pytest.approx(0.2) == ratio(Costs(100, [4.0]), Costs(10, [2.0]), per_event=True).median


def test_quick_sections_are_short() -> None:
    sizes = [int(name.rpartition("-")[2]) for section in SECTIONS for name in quick(section).workloads.values()]

    assert max(sizes) <= 250_000


def test_command_prints_tables_and_writes_json(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "short,import", "--json", str(figures)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (run.returncode, run.stderr) == (0, "")
    assert "\nasyncstream accumulating  " in run.stdout
    assert "\x1b" not in run.stdout
    written = json.loads(figures.read_text())
    assert "asyncstream raw" in [cell["adapter"] for cell in written["sections"][0]["cells"]]
    assert "P8" in [figure["id"] for figure in written["targets"]]
