"""The relay's benchmark runs, over whatever stores there are, and counts what it moved."""

import json

import pytest
from redis_server import needs_redis

from benchmarks import relay


@pytest.mark.system
@needs_redis
def test_every_way_is_measured(tmp_path, capsys):
    file = tmp_path / "relay.json"

    assert 0 == relay.main(["--quick", "--json", str(file)])

    results = json.loads(file.read_text())
    assert [
        (protocol, view)
        for protocol in ("chat", "Assistants", "Responses")
        for view in ("events", "ui-messages", "ag-ui")
    ] == [(row["protocol"], row["view"]) for row in results["views"]]
    rows = results["relay"]
    ways = [(row["way"], row["readers"]) for row in rows]
    assert [
        ("direct", 1),
        *((store, readers) for store in ("memory", "Redis", "cluster") for readers in (1, 200)),
    ] == ways
    assert all(0 < row["p50_ms"] <= row["p99_ms"] and row["events_per_s"] > 0 for row in rows)
    assert "deliveries/s" in capsys.readouterr().out


def test_without_a_redis_its_rows_are_skipped(monkeypatch, capsys):
    monkeypatch.setattr(relay.shutil, "which", lambda name: None)
    with relay._redis() as urls:
        assert [] == urls

    assert "skipped: Redis (redis-server is not installed)" in capsys.readouterr().out


def test_a_lost_event_fails_the_command():
    with pytest.raises(SystemExit, match="1 readers saw"):
        relay._check("memory", [[1.0, 2.0]], 1, 3)
