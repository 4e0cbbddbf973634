"""Live streams on two event loops: each peer reads all of each stream on both, and only uvloop's row is judged."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from benchmarks import loops
from benchmarks.rounds import Cell, CountsDiffer
from benchmarks.server import running
from benchmarks.targets import Figure


def test_every_kind_is_read_on_both_loops(tmp_path: Path, capsys) -> None:
    pytest.importorskip("uvloop")
    file = tmp_path / "loops.json"

    assert 0 == loops.main(["--rounds", "2", "--events", "30", "--json", str(file)])

    written = json.loads(file.read_text())["targets"]
    assert ["text", "chat", "response"] == [one["says"].split()[-2].partition("-")[0] for one in written[::3]]
    assert [0.7, None, None] * 3 == [one["limit"] for one in written]
    assert all(0 < one["value"]["low"] <= one["value"]["median"] <= one["value"]["high"] for one in written)
    assert "asyncstream raw on uvloop / aiohttp, read only, on asyncio: text-30 live" in capsys.readouterr().out


def test_ratios_are_of_one_round_and_against_the_floor_on_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    def spent(loop: str, cell: Cell) -> float:
        asked.append(cell)
        return {"asyncio": 4, "uvloop": 2}[loop] * (1.5 if cell.adapter.startswith("asyncstream") else 1)

    asked: list[Cell] = []
    monkeypatch.setattr(loops, "_client", lambda loop, base_url: nullcontext(loop))
    monkeypatch.setattr(loops, "_ask", spent)

    figures = loops.on_uvloop(3, 40)

    assert [0.75, 1.5, 0.5] * 3 == [figure.value.median for figure in figures]
    assert [False, None, None] == [figure.met for figure in figures[:3]]
    assert 3 * 3 * 4 == len(asked)


def test_a_client_that_fails_is_an_error() -> None:
    with running() as base_url, loops._client("asyncio", base_url) as client:
        assert loops._ask(client, Cell("asyncstream raw", "text-40.live")) > 0
        with pytest.raises(CountsDiffer, match=r"nobody failed on text-40\.live, see above"):
            loops._ask(client, Cell("nobody", "text-40.live"))


def test_a_failure_fails_the_command(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def fail(rounds: int, events: int) -> list[Figure]:
        raise CountsDiffer("nobody failed on text-1000.live, see above")

    pytest.importorskip("uvloop")
    monkeypatch.setattr(loops, "on_uvloop", fail)

    assert 1 == loops.main([])
    assert "error: nobody failed on text-1000.live, see above\n" == capsys.readouterr().err


def test_without_uvloop_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(loops, "find_spec", lambda name: None)

    assert 0 == loops.main([])
    assert "skipped: uvloop is not installed" in capsys.readouterr().out
