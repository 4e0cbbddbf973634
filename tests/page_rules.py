"""What holds of every message that a page gets, whatever happened: checked on its parts, or on the bytes it reads."""

import json
from typing import Any, Literal

__all__ = ["End", "check_events", "check_parts", "parts_in", "shown_end"]

Part = dict[str, Any]

End = Literal["finish", "error", "abort"]

_ENDS: dict[str, End] = {"finish": "finish", "error": "error", "abort": "abort", "RUN_ERROR": "error"}


def parts_in(body: bytes) -> list[Any]:
    """Return what the frames of a body hold, "[DONE]" too; fail at what the libraries of pages do not read."""
    assert body.endswith(b"\n\n") or not body
    parts = []
    for frame in body.split(b"\n\n")[:-1]:
        lines = [line for line in frame.split(b"\n") if not line.startswith((b":", b"id: "))]
        assert len(lines) <= 1
        for line in lines:
            assert line.startswith(b"data: ")
            data = line.removeprefix(b"data: ")
            parts.append(data.decode() if data == b"[DONE]" else json.loads(data))
    return parts


def shown_end(view: str, body: bytes) -> End:
    """Check a whole answer; return how a page shows that it ended: "finish" is what it is "ready" after."""
    parts = parts_in(body)
    if view == "ui-messages":
        assert parts.pop() == "[DONE]"
        return _ENDS[parts[0]["type"] if len(parts) == 1 else check_parts(parts)]
    last = check_events(parts)
    if last == "RUN_FINISHED":
        return "abort" if parts[-1]["outcome"]["type"] == "cancelled" else "finish"
    return _ENDS[last]


def check_parts(parts: list[Part]) -> str:
    """Check the parts of a UI message stream; return the type of the last."""
    assert parts[0]["type"] == "start"
    said: set[tuple[str, str]] = set()
    used: set[tuple[str, str]] = set()
    calls: dict[str, str] = {}
    steps = 0
    over = False
    for part in parts[1:]:
        assert not over, part
        kind = part["type"]
        match kind:
            case "text-start" | "reasoning-start":
                key = kind.split("-")[0], part["id"]
                assert key not in used
                used.add(key)
                said.add(key)
            case "text-delta" | "reasoning-delta":
                assert (kind.split("-")[0], part["id"]) in said
                assert part["delta"]
            case "text-end" | "reasoning-end":
                said.remove((kind.split("-")[0], part["id"]))
            case "tool-input-start":
                assert part["toolCallId"] not in calls
                assert part["toolName"]
                calls[part["toolCallId"]] = "streaming"
            case "tool-input-delta":
                assert calls[part["toolCallId"]] == "streaming"
            case "tool-input-available":
                assert calls[part["toolCallId"]] == "streaming"
                calls[part["toolCallId"]] = "available"
            case "tool-input-error":
                assert calls[part["toolCallId"]] == "streaming"
                calls[part["toolCallId"]] = "settled"
            case "tool-output-available" | "tool-output-error" | "tool-output-denied":
                assert calls[part["toolCallId"]] == "available"
                if not part.get("preliminary"):
                    calls[part["toolCallId"]] = "settled"
            case "tool-approval-request":
                assert calls[part["toolCallId"]] == "available"
            case "start-step":
                steps += 1
            case "finish-step":
                steps -= 1
                assert steps >= 0
            case "finish" | "error" | "abort":
                over = True
                assert (said, steps) == (set(), 0)
                if kind != "finish":
                    assert set(calls.values()) <= {"settled"}
                else:
                    assert "streaming" not in calls.values()
            case _:
                assert kind in ("file", "source-url", "source-document") or kind.startswith("data-")
    assert over
    return str(parts[-1]["type"])


def check_events(events: list[Part]) -> str:
    """Check the events of a run of AG-UI; return the type of the last."""
    assert events[0]["type"] == "RUN_STARTED"
    opened: set[tuple[str, str]] = set()
    used: set[tuple[str, str]] = set()
    unanswered: set[str] = set()
    over = False
    for event in events[1:]:
        assert not over, event
        assert None not in (value for key, value in event.items() if key != "value")
        kind: str = event["type"]
        noun, _, verb = kind.rpartition("_")
        id = event.get("messageId") or event.get("toolCallId") or event.get("stepName") or ""
        if kind == "TOOL_CALL_RESULT":
            assert ("TOOL_CALL", event["toolCallId"]) not in opened
            unanswered.remove(event["toolCallId"])
        elif kind in ("RUN_FINISHED", "RUN_ERROR"):
            over = True
            assert opened == set()
            if event.get("outcome", {}).get("type") not in ("success", "interrupt"):
                assert unanswered == set()
        elif kind in ("CUSTOM", "REASONING_ENCRYPTED_VALUE"):
            pass
        elif verb in ("START", "STARTED"):
            assert (noun, id) not in used
            used.add((noun, id))
            opened.add((noun, id))
            if noun == "TOOL_CALL":
                unanswered.add(id)
        elif verb in ("CONTENT", "ARGS"):
            assert (noun, id) in opened
            assert event["delta"]
        else:
            assert verb in ("END", "FINISHED")
            opened.remove((noun, id))
    assert over
    return str(events[-1]["type"])
