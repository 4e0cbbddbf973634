"""What of a message is open, as the parts that went by say: `OpenParts` and `OpenEvents`. Pure.

Each is given the parts of one projection and returns those that close what is open: for a projection that ends, and
for whoever sends parts that were made elsewhere and learns that no more will come (a relay whose producer died).

Rule 1: deltas open and close nothing; whoever has many need not show them.
"""

from typing import Any, Final, TypeAlias

__all__ = ["OpenEvents", "OpenParts", "result_event"]

Part: TypeAlias = dict[str, Any]

_UNFINISHED: Final = "what this call was given did not come to its end"


class OpenParts:
    """Of a UI message stream."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], None] = {}
        # The names of calls without an output, and whether their input is complete.
        self._calls: dict[str, tuple[str, bool]] = {}
        self._steps = 0

    def take(self, part: Part) -> None:
        """Look at the next part."""
        match part["type"]:
            case "text-start" | "reasoning-start" as kind:
                self._said[kind.removesuffix("-start"), part["id"]] = None
            case "text-end" | "reasoning-end" as kind:
                self._said.pop((kind.removesuffix("-end"), part["id"]), None)
            case "tool-input-start":
                self._calls[part["toolCallId"]] = part["toolName"], False
            case "tool-input-available":
                self._calls[part["toolCallId"]] = part["toolName"], True
            case "tool-input-error" | "tool-output-error" | "tool-output-denied":
                self._calls.pop(part["toolCallId"], None)
            case "tool-output-available" if not part.get("preliminary"):
                self._calls.pop(part["toolCallId"], None)
            case "start-step":
                self._steps += 1
            case "finish-step":
                self._steps -= 1

    def closing(self, words: str | None) -> list[Part]:
        """Return the parts that close what is open; with words, each call without an output fails with them.

        A call whose input is not complete fails in any case: a page would wait for the rest of it.
        """
        parts: list[Part] = [{"type": f"{kind}-end", "id": id} for kind, id in self._said]
        for id, (name, complete) in self._calls.items():
            failed = {"errorText": words or _UNFINISHED, "dynamic": True}
            if not complete:
                parts.append({"type": "tool-input-error", "toolCallId": id, "toolName": name, "input": None, **failed})
            elif words is not None:
                parts.append({"type": "tool-output-error", "toolCallId": id, **failed})
        parts += [{"type": "finish-step"}] * self._steps
        for part in parts:
            self.take(part)
        return parts


class OpenEvents:
    """Of AG-UI."""

    def __init__(self) -> None:
        # What closes it, by the event and the id: first what was opened last.
        self._open: dict[tuple[str, str], Part] = {}
        self._unanswered: dict[str, None] = {}

    def take(self, event: Part) -> None:
        """Look at the next event."""
        kind: str = event["type"]
        match kind:
            case "TEXT_MESSAGE_START" | "REASONING_START" | "REASONING_MESSAGE_START":
                self._opened(kind, "messageId", event)
            case "TEXT_MESSAGE_END" | "REASONING_END" | "REASONING_MESSAGE_END":
                self._open.pop((kind, event["messageId"]), None)
            case "STEP_STARTED":
                self._open["STEP_FINISHED", event["stepName"]] = {
                    "type": "STEP_FINISHED",
                    "stepName": event["stepName"],
                }
            case "STEP_FINISHED":
                self._open.pop((kind, event["stepName"]), None)
            case "TOOL_CALL_START":
                self._opened(kind, "toolCallId", event)
                self._unanswered[event["toolCallId"]] = None
            case "TOOL_CALL_END":
                self._open.pop((kind, event["toolCallId"]), None)
            case "TOOL_CALL_RESULT":
                self._unanswered.pop(event["toolCallId"], None)

    def _opened(self, kind: str, member: str, event: Part) -> None:
        end = kind.removesuffix("START") + "END"
        self._open[end, event[member]] = {"type": end, member: event[member]}

    def closing(self, words: str | None) -> list[Part]:
        """Return the events that close what is open; with words, each call without a result gets them as its result."""
        ends = [*reversed(self._open.values())]
        events = [end for end in ends if end["type"] != "STEP_FINISHED"]
        if words is not None:
            events += [result_event(id, words, failed=True) for id in self._unanswered]
        events += [end for end in ends if end["type"] == "STEP_FINISHED"]
        for event in events:
            self.take(event)
        return events


def result_event(id: str, content: str, *, failed: bool = False) -> Part:
    """Return the event that gives a call its result."""
    event = {
        "type": "TOOL_CALL_RESULT",
        "messageId": f"{id}-result",
        "toolCallId": id,
        "content": content,
        "role": "tool",
    }
    return {**event, "metadata": {"failed": True}} if failed else event
