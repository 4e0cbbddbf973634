"""The benchmark harness runs, and every peer that is installed sees exactly what was sent. No figure is judged here."""

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from programs import needed

from asyncstream.events import DoneEvent, UnknownEvent, decode_stream
from benchmarks.adapters import ADAPTERS, Adapter
from benchmarks.report import target_table
from benchmarks.rounds import Cell, Costs, CountsDiffer, Spread, measure_rounds, ratio
from benchmarks.sections import LENGTH_SECTIONS, SECTIONS, Result, quick
from benchmarks.server import PACINGS, running
from benchmarks.step_counts import count_steps
from benchmarks.steps import STEPS, prepare
from benchmarks.steps import STREAMS as STEP_STREAMS
from benchmarks.targets import TARGETS, Figure, judge
from benchmarks.workloads import KINDS, make, protocol_of

if find_spec("openai") is None:
    pytest.skip("the peers are not installed: they are in the extra [bench]", allow_module_level=True)

ROOT = Path(__file__).parents[2]

ALL_KINDS = [kind for kinds in KINDS.values() for kind in kinds]
STREAMS = [f"{kind}-30.{pacing}" for kind in ALL_KINDS for pacing in PACINGS]


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
    protocols = ADAPTERS[name].protocols
    streams = [stream for stream in STREAMS if protocol_of(stream) in protocols]
    cells = [Cell(installed(ADAPTERS[name]).name, stream) for stream in streams]
    if name.endswith(" text"):
        cells = [cell for cell in cells if not cell.stream.startswith(("code", "calls", "args", "responseargs"))]

    costs = await measure_rounds(base_url, cells, 1)

    assert [len(cost.seconds) for cost in costs.values()] == [1] * len(cells)


async def test_wrong_counts_are_an_error(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.rounds._expected", lambda cell: make("text-4").seen)

    with pytest.raises(CountsDiffer, match=r"asyncstream raw saw 40 events in text-30\.bulk, 14 were sent"):
        await measure_rounds(base_url, [Cell("asyncstream raw", "text-30.bulk")], 1)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_prepared_stream_knows_its_events(kind: str) -> None:
    events = decode_stream(b"".join(make(f"{kind}-30").frames), protocol_of(kind))

    assert [event for event in events if isinstance(event, UnknownEvent)] == []


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_prepared_stream_is_complete_and_counted(kind: str) -> None:
    workload = make(f"{kind}-30")

    events = list(decode_stream(b"".join(workload.frames), protocol_of(kind)))

    done = protocol_of(kind) != "responses"
    assert done == isinstance(events[-1], DoneEvent)
    assert workload.seen.events == len(events) - done
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

    assert max(sizes) <= 1_500_000


def test_command_prints_tables_and_writes_json(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "short,memory", "--json", str(figures)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (run.returncode, run.stderr) == (0, "")
    assert "\nasyncstream accumulating  " in run.stdout
    assert "\x1b" not in run.stdout
    written = json.loads(figures.read_text())
    assert "asyncstream raw" in [cell["adapter"] for cell in written["sections"][0]["cells"]]
    memory = {
        figure["says"].split()[-1]: figure["limit"] for figure in written["targets"] if "memory" in figure["says"]
    }
    assert {"huge-50000": 3, "text-500": 3, "picture-27000": None} == memory


def test_every_target_is_in_one_section() -> None:
    names = [section.name for section in SECTIONS]

    assert len(names) == len(set(names))
    assert {target.section for target in TARGETS} <= set(names)
    assert {"P1", "P2", "P3", "P4", "P5", "P6", "P7", "P9"} == {target.id for target in TARGETS}


def test_what_is_judged_in_instructions_is_only_told_here() -> None:
    told = {target.id for target in TARGETS if target.limit is None and "responses" not in target.above[0]}

    assert {"P1", "P3"} == told


def test_figure_without_a_limit_is_neither_met_nor_short() -> None:
    passed, short, told = (Figure("P1", "a / b", Spread(2, 1, 3), "x", "at least", limit) for limit in (2, 2.5, None))

    _, *rows = target_table([passed, short, told], judged=True)

    assert (passed.met, short.met, told.met) == (True, False, None)
    assert ["2x pass", "2.5x short"] == [" ".join(row.split()[-2:]) for row in rows[:2]]
    assert rows[2].endswith("3.00x")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("stream", STEP_STREAMS)
def test_step_is_done_on_every_event_but_the_closing_ones(step: str, stream: str) -> None:
    done = prepare(step, stream, 20)()

    deltas = 20 + (1 if stream == "code" else 0)
    if step == "decode":
        assert isinstance(done, list)
        assert None not in done
        assert len(done) >= deltas
    if step in ("fold", "push"):
        assert deltas <= done.events_seen < make(f"{stream}-20").seen.events  # type: ignore[attr-defined, operator]


@pytest.mark.system
@needed("valgrind")
def test_instructions_repeat_to_under_a_hundredth() -> None:
    first, second = (count_steps(["split", "fold"], ["text"], 100) for _ in range(2))

    assert [("split", "text"), ("fold", "text")] == list(first)
    assert all(500 < count < 50_000 for count in first.values())
    assert list(second.values()) == pytest.approx(list(first.values()), rel=0.01)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_plot_has_a_line_for_every_peer(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.plot import draw

    measured = [Result(section, {cell: Costs(10, [1.0]) for cell in section.cells()}) for section in LENGTH_SECTIONS]
    facts = {"asyncstream": "1", "openai": "2", "python": "3", "date": "2026-01-01 00:00 UTC"}
    files = [tmp_path / f"{name}.{ending}" for name in "ab"]
    for file in files:
        draw(measured, facts, str(file))

    drawn = files[0].read_bytes()
    assert drawn == files[1].read_bytes()
    if ending == "svg":
        peers = {cell.adapter.replace(" chat ", " ") for result in measured for cell in result.costs}
        assert [] == [peer for peer in peers if f">{peer}</text>".encode() not in drawn]
