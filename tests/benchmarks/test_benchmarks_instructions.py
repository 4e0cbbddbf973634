"""Whole requests counted in instructions: the arithmetic, one event a read, what is said when something is missing."""

from pathlib import Path

import pytest

from benchmarks import counting, instructions
from benchmarks.adapters import Adapter
from benchmarks.counting import overlay
from benchmarks.instructions import Counter, Imports, Work, columns_of, split_imports
from benchmarks.server import running

ROOT = Path(__file__).parents[2]
FLOOR = Work("aiohttp, read only", "chat", "each")
TEXT = Work("asyncstream raw", "text", "each")
CHAT = Work("asyncstream chat raw", "chat", "each")


def test_an_event_is_the_median_of_the_differences_by_n() -> None:
    # Of each two phases the second is what lies between two requests.
    phases = [5_000, 9, 26_000, 9, 5_000, 9, 25_000, 9, 5_000, 9, 90_000]

    assert Work("bare aiohttp + msgspec", "text").events == 1000
    assert 21.0 == Work("bare aiohttp + msgspec", "text").counted(phases)


def test_the_longer_stream_has_twice_the_events() -> None:
    assert [("text-1000.bulk", 1), ("text-2000.bulk", 1)] == Work("asyncstream raw", "text").phases()
    assert [("chat-100.each", 1), ("chat-200.each", 1)] == FLOOR.phases()
    assert [("short-4.bulk", 20), ("short-4.bulk", 40)] == Work("asyncstream raw", "short").phases()


def test_imports_are_summed_by_what_is_open() -> None:
    marks = [
        *[("begin", "standard library"), ("end", "standard library")],
        *[
            ("begin", "import"),
            ("begin", "asyncstream.types.runs"),
            ("end", "asyncstream.types.runs"),
            ("end", "import"),
        ],
        *[("begin", "nouns"), ("end", "nouns")],
    ]

    found = split_imports(marks, [7, 1_000_000, 20, 3, 20, 1_000_000, 50])

    assert Imports(package=43, noun=50, standard_library=7, unused=3) == found


def test_columns_are_read_off_the_map_of_the_package() -> None:
    columns = columns_of(ROOT / "asyncstream")

    assert "chat" == columns["asyncstream.types.chat_chunks"]
    assert "assistants" == columns["asyncstream.resources.runs"]
    assert {} == columns_of(ROOT / "tests")


def test_without_valgrind_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(counting.shutil, "which", lambda name: None)

    assert 1 == instructions.main([])
    assert "valgrind and vgdb not found: install valgrind" in capsys.readouterr().err


def test_without_a_peer_its_rows_are_left_out(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(instructions, "missing_programs", list)
    monkeypatch.setattr(Adapter, "missing", lambda self: ["openai"] if "openai" in self.needs else [])

    assert 0 == instructions.main(["--only", "P1"])
    assert "skipped: openai raw (openai is not installed: pip install -e '.[bench]')" in capsys.readouterr().out


def test_a_tree_without_the_package_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setattr(instructions, "missing_programs", list)

    assert 1 == instructions.main(["--tree", str(tmp_path)])
    assert f"there is no asyncstream in {tmp_path}" in capsys.readouterr().err


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the server looks into /proc whether a reader sleeps"
)
def test_each_event_is_sent_when_the_reader_sleeps_again_and_costs_one_turn_of_the_loop() -> None:
    with overlay(None) as over, running() as base_url:
        floor, text, chat = map(Counter(base_url, over).turns, (FLOOR, TEXT, CHAT))

    # The floor reads in the turn in which the bytes come, and wakes in another.
    assert 1.9 < floor < 2.2
    assert 1.0 <= text <= 1.05
    assert 1.0 <= chat <= 1.05


@pytest.mark.system
@pytest.mark.skipif(bool(counting.missing_programs()), reason="valgrind is not installed")
def test_requests_and_imports_are_counted() -> None:
    bare = Work("bare aiohttp + msgspec", "chat")
    with overlay(None) as over, running() as base_url:
        counter = Counter(base_url, over)
        first, second = (counter.count([bare], 1)[bare] for _ in range(2))
        imports, seconds = counter.imports("chat", columns_of(ROOT / "asyncstream"))

    # Decoding alone is some thousands.
    assert 5_000 < first < 50_000
    assert second == pytest.approx(first, rel=0.01)
    assert 1e6 < imports.package < 1e9
    assert 1e6 < imports.noun < 1e9
    assert len(seconds) == 1
