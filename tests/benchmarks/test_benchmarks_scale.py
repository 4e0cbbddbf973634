"""Many streams at once: every stream is read to its end by every peer, and what was found is summed up and drawn."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import scale
from benchmarks.process import TooFewDescriptors
from benchmarks.rounds import CountsDiffer, Spread
from benchmarks.scale import Measured, read_at_once, summed_up
from benchmarks.stream_server import running
from benchmarks.workloads import make

OWN, BARE, OPENAI = "asyncstream chat raw", "bare aiohttp + msgspec", "openai chat raw"
FACTS = {"asyncstream": "1", "openai": "2", "python": "3", "date": "2026-01-01 00:00 UTC"}


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.mark.parametrize("adapter", [OWN, BARE, OPENAI])
async def test_every_stream_is_read_to_its_end(base_url: str, adapter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if OPENAI == adapter:
        pytest.importorskip("openai")
    # Twice: what the first time left behind does not count as streams that are held.
    monkeypatch.setattr(scale, "_LEAST_EVENTS", 2 * 7 * 20)

    measured = await read_at_once(base_url, adapter, 7, 5000)

    assert (adapter, 7, 5000) == measured[:3]
    assert measured.us_an_event > 0


async def test_a_stream_without_all_its_events_is_an_error(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.rounds._expected", lambda cell: make("chat-19").seen)

    with pytest.raises(CountsDiffer, match=r"asyncstream chat raw saw 20 events in chat-18\.gated, 21 were sent"):
        await read_at_once(base_url, OWN, 3, 5000)


def test_figures_are_medians_and_ratios_are_of_one_round() -> None:
    rounds = ((10, 30, 9, 0.1), (20, 40, 7, 3), (80, 80, 8, 0.2))
    measured = [
        Measured(adapter, streams, 5000, cost, memory, late)
        for own, bare, memory, late in rounds
        for streams in (10, 1000)
        for adapter, cost in ((OWN, own), (BARE, bare))
    ]

    found = summed_up(measured)

    assert [(OWN, 10), (BARE, 10), (OWN, 1000), (BARE, 1000)] == [one[:2] for one in found]
    assert (5000, 20, 50_000, 8, 0.2, Spread(1, 1, 1)) == found[2][2:]
    assert (5000, 40, 25_000, 8, 0.2, Spread(2, 1, 3)) == found[3][2:]
    assert (None, None) == (found[0].kb_a_stream, found[1].kb_a_stream)


def test_openai_is_not_measured_on_more_streams_than_it_opens(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pytest.importorskip("openai")
    monkeypatch.setattr(scale, "raise_limit", lambda needed: None)
    monkeypatch.setattr(scale, "measure", lambda *one: Measured(*one, 50, 30, 0))

    assert 0 == scale.main(["--streams", "1000,5000", "--rounds", "2"])

    lines = [line.split() for line in capsys.readouterr().out.splitlines()[3:]]
    of_openai = [line for line in lines if line[0] == "openai"]
    assert ["openai chat raw 1,000 1,000 50.0 1.00x 1.00x 1.00x 20,000 30.0 0.00"] == list(map(" ".join, of_openai))
    assert 6 == len(lines)


def test_command_measures_each_peer_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(scale, "PEERS", {5000: (OWN, BARE)})
    figures, plot = tmp_path / "scale.json", tmp_path / "scale.svg"

    assert 0 == scale.main(["--streams", "101", "--rounds", "1", "--json", str(figures), "--plot", str(plot)])

    written = json.loads(figures.read_text())
    assert [(OWN, 101), (BARE, 101)] == [(one["adapter"], one["streams"]) for one in written["scale"]]
    assert [one["us_an_event"] for one in written["scale"]] == [one["us_an_event"] for one in written["rounds"]]
    assert b">asyncstream raw, at 5,000 a second</text>" in plot.read_bytes()
    assert "could read a s" in capsys.readouterr().out


def test_with_too_few_descriptors_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def refuse(needed: int) -> None:
        raise TooFewDescriptors(f"{needed} descriptors are needed")

    monkeypatch.setattr(scale, "raise_limit", refuse)

    assert 1 == scale.main(["--streams", "10,500"])
    assert "error: 600 descriptors are needed\n" == capsys.readouterr().err


def test_plot_has_a_line_for_every_peer(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.plot import draw_scale

    works = ((OWN, 5000), (BARE, 5000), (OWN, 1000), (OPENAI, 1000))
    peers = {work: [(10, 20_000.0), (1000, 30_000.0)] for work in works}
    files = [tmp_path / f"{name}.svg" for name in "ab"]
    for file in files:
        draw_scale(peers, FACTS, str(file))

    drawn = files[0].read_bytes()
    assert drawn == files[1].read_bytes()
    for peer, per_second in works:
        assert f">{peer.replace(' chat ', ' ')}, at {per_second:,} a second</text>".encode() in drawn
