"""The guard: what fails it, what it says when it cannot judge, and that a stream which does more does fail it."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks import counting, guard
from benchmarks.guard import Verdict, compare
from benchmarks.instructions import ROWS

ROOT = Path(__file__).parents[2]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_every_row_has_its_own_name_in_the_baseline() -> None:
    assert len({row.name for row in guard.GUARDED}) == len(guard.GUARDED)
    assert {"P3", "P3b", "P4", "P9", "P13"} == {row.id for row in guard.GUARDED}
    assert {"P1", "P3", "P3b", "P4", "P9", "P13"} == {row.id for row in ROWS}


@pytest.mark.parametrize(("now", "fails"), [(1.029, False), (1.031, True), (0.5, False)])
def test_growth_fails_above_three_hundredths(now: float, fails: bool) -> None:
    assert fails == Verdict("P3 text", 1.5 * now, 1.5).fails


def test_a_row_without_a_baseline_fails() -> None:
    verdicts = compare({"P3 text": 1.5, "P3 new": 1.5}, {"P3 text": 1.5})

    assert [False, True] == [verdict.fails for verdict in verdicts]
    assert "NO BASELINE" in verdicts[1].cells()[-1]


@pytest.fixture
def ratios(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What the guard is told that it counted."""
    found = {"P3 text": 1.5, "P3 chat": 1.6}
    monkeypatch.setattr(guard, "measure", lambda names, counter, processes: {name: found[name] for name in names})
    return found


def test_guard_fails_when_one_row_became_dearer(tmp_path: Path, ratios: dict[str, float], capsys) -> None:
    command = ["--only", "P3 text,P3 chat", "--baseline", str(tmp_path / "guard.json")]

    assert [0, 0] == [guard.main([*command, "--renew"]), guard.main(command)]
    ratios["P3 chat"] *= 1.04
    assert 1 == guard.main(command)

    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split() == ["P3", "chat", "1.600", "1.664", "+4.0", "%", "DEARER"]


def test_what_is_dearer_by_chance_is_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    asked: list[list[str]] = []
    counts = iter(
        [{"P3 text": 1.5, "P3 chat": 1.6}, {"P3 text": 1.5, "P3 chat": 1.7}, {"P3 chat": 1.7}, {"P3 chat": 1.6}]
    )

    def measure(names: list[str], counter: object, processes: int) -> dict[str, float]:
        asked.append([*names])
        return next(counts)

    monkeypatch.setattr(guard, "measure", measure)
    command = ["--only", "P3 text,P3 chat", "--baseline", str(tmp_path / "guard.json")]

    assert [0, 0] == [guard.main([*command, "--renew"]), guard.main(command)]
    assert [["P3 text", "P3 chat"], ["P3 text", "P3 chat"], ["P3 chat"], ["P3 chat"]] == asked
    assert "+0.0 %" in capsys.readouterr().out.splitlines()[-1]


def test_renewing_some_rows_keeps_the_others(tmp_path: Path, ratios: dict[str, float]) -> None:
    file = tmp_path / "guard.json"
    file.write_text(json.dumps({PYTHON: {"measured": {}, "ratios": {"P4 text": 1.2}}, "3.1": {"ratios": {}}}))

    guard.main(["--only", "P3 chat", "--baseline", str(file), "--renew"])

    written = json.loads(file.read_text())
    assert {PYTHON, "3.1"} == set(written)
    assert {"P4 text": 1.2, "P3 chat": 1.6} == written[PYTHON]["ratios"]
    assert {"python", "system", "aiohttp", "msgspec"} <= set(written[PYTHON]["measured"])


def test_another_python_has_nothing_to_be_judged_by(tmp_path: Path, capsys) -> None:
    file = tmp_path / "guard.json"
    file.write_text('{"3.1": {"ratios": {}}}')

    assert 2 == guard.main(["--baseline", str(file)])
    assert f"guard.json has a baseline of 3.1, not of {PYTHON}: --renew" in capsys.readouterr().err


def test_committed_baseline_has_every_row() -> None:
    for python, baseline in json.loads(guard.BASELINE.read_text()).items():
        assert set(guard.NAMES) == set(baseline["ratios"])
        assert baseline["measured"]["python"].startswith(f"{python}.")


def test_without_valgrind_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(counting.shutil, "which", lambda name: None)

    assert 2 == guard.main(["--renew"])
    assert "valgrind and vgdb not found: install valgrind" in capsys.readouterr().err


@pytest.fixture
def slower_tree(tmp_path: Path) -> Path:
    """A copy of the package whose chat streams look at every chunk once more."""
    package = tmp_path / "slower" / "asyncstream"
    shutil.copytree(ROOT / "asyncstream", package, ignore=shutil.ignore_patterns("__pycache__"))
    with (package / "streaming" / "chat.py").open("a") as module:
        module.write("""

_quick = ChatStream.__anext__


async def _with_another_pass(stream):
    chunk = await _quick(stream)
    str(chunk)
    return chunk


ChatStream.__anext__ = _with_another_pass
""")
    return package.parent


@pytest.mark.system
@pytest.mark.skipif(bool(counting.missing_programs()), reason="valgrind is not installed")
def test_guard_fails_when_a_stream_does_more(tmp_path: Path, slower_tree: Path, capsys) -> None:
    command = ["--only", "P3 chat", "--baseline", str(tmp_path / "guard.json")]

    assert [0, 0] == [guard.main([*command, "--renew"]), guard.main(command)]
    assert 1 == guard.main([*command, "--tree", str(slower_tree)])
    assert "DEARER" in capsys.readouterr().out
