"""A message that was kept, as the parts that build it again."""

from typing import Any

import pytest

from asyncstream.ui import retell
from asyncstream.ui.open_parts import OpenParts

PAY = {"type": "dynamic-tool", "toolName": "pay", "toolCallId": "c1", "input": {"eur": 5}}
BEGUN = {"type": "tool-input-start", "toolCallId": "c1", "toolName": "pay", "dynamic": True}
GREW = {"type": "tool-input-delta", "toolCallId": "c1", "inputTextDelta": '{"eur":5}'}


def told(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return retell({"id": "m1", "role": "assistant", "parts": [*parts]})


def test_steps_end_before_the_next_and_at_the_end() -> None:
    steps = told({"type": "step-start"}, {"type": "step-start"})

    assert ["start-step", "finish-step", "start-step", "finish-step"] == [part["type"] for part in steps]
    assert [] == told()


@pytest.mark.parametrize("kind", ["text", "reasoning"])
def test_what_was_said_begins_is_told_and_ends(kind: str) -> None:
    sealed = {"asyncstream": {"encryptedContent": "x"}}

    assert [
        {"type": f"{kind}-start", "id": "before-1"},
        {"type": f"{kind}-delta", "id": "before-1", "delta": "Hi"},
        {"type": f"{kind}-end", "id": "before-1"},
        {"type": f"{kind}-start", "id": "before-2"},
        {"type": f"{kind}-end", "id": "before-2", "providerMetadata": sealed},
    ] == told({"type": kind, "text": "Hi"}, {"type": kind, "text": "", "providerMetadata": sealed})


@pytest.mark.parametrize("state", ["approval-responded", "input-available", "approval-requested"])
def test_a_call_that_goes_on_is_ready_and_asks_no_more(state: str) -> None:
    ready = {"type": "tool-input-available", "toolCallId": "c1", "toolName": "pay", "input": {"eur": 5}}

    assert [BEGUN, {**ready, "dynamic": True}] == told({**PAY, "state": state})


@pytest.mark.parametrize(
    ("ended", "part"),
    [
        ({"state": "output-available", "output": 5}, {"type": "tool-output-available", "output": 5, "dynamic": True}),
        ({"state": "output-available", "output": 5, "preliminary": True}, None),
        ({"state": "output-error", "errorText": "No"}, {"type": "tool-output-error", "errorText": "No"}),
        ({"state": "output-denied"}, {"type": "tool-output-denied"}),
    ],
)
def test_a_call_that_has_ended_is_not_given_to_a_page_that_runs_tools(
    ended: dict[str, Any], part: dict[str, Any] | None
) -> None:
    parts = told({**PAY, **ended})

    assert [BEGUN, GREW] == parts[:2]
    if part is None:
        part = {"type": "tool-output-available", "output": 5, "preliminary": True}
    assert {**part, "toolCallId": "c1"}.items() <= parts[2].items()
    assert 3 == len(parts)


def test_a_tool_that_a_page_has_types_for_and_that_takes_text() -> None:
    call = {"type": "tool-run", "toolCallId": "c1", "state": "output-available", "input": "1+1", "output": "2"}

    assert [
        {"type": "tool-input-start", "toolCallId": "c1", "toolName": "run", "inputEncoding": "text"}
        | {"providerExecuted": True},
        {"type": "tool-input-delta", "toolCallId": "c1", "inputTextDelta": "1+1"},
        {"type": "tool-output-available", "toolCallId": "c1", "output": "2", "providerExecuted": True},
    ] == told({**call, "providerExecuted": True})


def test_all_else_is_told_as_it_is() -> None:
    parts = [{"type": "data-mine", "data": 1}, {"type": "source-url", "sourceId": "s", "url": "u"}]

    assert parts == told(*parts)


def test_only_calls_that_go_on_are_open_after_it() -> None:
    open = OpenParts()
    ended = {**PAY, "toolCallId": "c2", "state": "output-denied"}
    for part in told(
        {"type": "step-start"}, {"type": "text", "text": "Hi"}, ended, {**PAY, "state": "input-available"}
    ):
        open.take(part)

    failed = {"type": "tool-output-error", "toolCallId": "c1", "errorText": "broke", "dynamic": True}
    assert [failed] == open.closing("broke")
