"""What holds of every message that a projection gives, whatever happened: checked on its parts."""

from typing import Any

Part = dict[str, Any]


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
