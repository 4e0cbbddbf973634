"""A message that was kept, as the parts that build it again: `retell`. Pure.

For pages that come back while an answer goes on in a message that was begun before it: they rebuild the message from
nothing, and the answer alone does not hold what stood there. `RunLog.resume` sends it ahead.

Rule 1: of a call that has come to its end no `tool-input-available` is told: where a page runs tools itself, that part
lets it run them, and this one has been run.

Source: https://ai-sdk.dev/docs/reference/ai-sdk-core/ui-message
"""

from collections.abc import Iterator, Mapping
from typing import Any

from asyncstream.decoding import dump_json
from asyncstream.ui.answer import Part

__all__ = ["retell"]


def retell(message: Mapping[str, Any]) -> list[Part]:
    """Return the parts of a UI message stream from which a page builds what stands in a message.

    The one that begins the message is not among them: it is the first of the answer that goes on.

    Args:
        message: A message as `useChat` has it, of your own making, whose parts have all their members. A call that
            waits for a word has got it, or nothing would go on: its question is not told again.
    """
    told: list[Part] = []
    in_step = False
    for number, part in enumerate(message["parts"], 1):
        match part["type"]:
            case "step-start":
                told += [{"type": "finish-step"}, {"type": "start-step"}] if in_step else [{"type": "start-step"}]
                in_step = True
            case "text" | "reasoning" as kind:
                told += _said(kind, f"before-{number}", part)
            case "dynamic-tool":
                told += _called(part, part["toolName"])
            case str() as kind if kind.startswith("tool-"):
                told += _called(part, kind.removeprefix("tool-"))
            case _:
                told.append({**part})
    return [*told, {"type": "finish-step"}] if in_step else told


def _said(kind: str, id: str, part: Mapping[str, Any]) -> Iterator[Part]:
    yield {"type": f"{kind}-start", "id": id}
    if part["text"]:
        yield {"type": f"{kind}-delta", "id": id, "delta": part["text"]}
    end = {"type": f"{kind}-end", "id": id}
    yield {**end, "providerMetadata": part["providerMetadata"]} if part.get("providerMetadata") else end


def _called(part: Mapping[str, Any], name: str) -> Iterator[Part]:
    call: Part = {"toolCallId": part["toolCallId"]}
    kind: Part = {"dynamic": True} if part["type"] == "dynamic-tool" else {}
    if part.get("providerExecuted"):
        kind["providerExecuted"] = True
    input = part.get("input")
    begun = {"type": "tool-input-start", **call, "toolName": name, **kind}
    yield {**begun, "inputEncoding": "text"} if isinstance(input, str) else begun
    match part["state"]:
        case "output-available" | "output-error" | "output-denied" as state:
            text = input if isinstance(input, str) else dump_json(input)
            yield {"type": "tool-input-delta", **call, "inputTextDelta": text}
            if state == "output-available":
                more = {"preliminary": True} if part.get("preliminary") else {}
                yield {"type": "tool-output-available", **call, "output": part["output"], **more, **kind}
            elif state == "output-error":
                yield {"type": "tool-output-error", **call, "errorText": part["errorText"], **kind}
            else:
                yield {"type": "tool-output-denied", **call}
        case _:
            yield {"type": "tool-input-available", **call, "toolName": name, "input": input, **kind}
