"""What the dialects of Responses say is found again by the pure fold, and so is what comes in two streams."""

import pytest
from response_api import PATH, request, retrieved
from response_folds import Outcome, fold

from asyncstream.server import (
    RESPONSES_DIALECTS,
    CallCustom,
    CallFunction,
    CallMCP,
    Cut,
    DrawImage,
    ErrorEvent,
    Fail,
    Incomplete,
    Refuse,
    RequestApproval,
    ResponsesDialect,
    RunCode,
    Say,
    Scenario,
    SearchFiles,
    SearchResult,
    SearchWeb,
    Think,
    Turn,
    UrlCitation,
)

TURNS = {
    "everything": Turn(
        Think("well"),
        Think("now"),
        SearchWeb("cake"),
        Say("Cake [1]. ", citations=[UrlCitation("[1]", "http://x", "X")]),
        Refuse("No more."),
        RunCode("a = 1"),
        DrawImage("UE5H", ["UA==", "UE4="]),
        CallMCP("roll", {"dice": 1}, output="6"),
        CallMCP("roll", {"dice": 2}, error="no dice"),
        SearchFiles([SearchResult("file-1", "a.txt")]),
        CallFunction("f", {"a": 1}),
        CallFunction("f", {"a": 2}),
        CallCustom("g", "some text"),
        RequestApproval("roll", {"dice": 3}),
    ),
    "text around a call": Turn(Say("I look."), CallFunction("f", {"a": 1}), Say("Done.")),
    "half an answer": Turn(Think("well"), Say("half an"), Incomplete()),
    "half a call": Turn(CallFunction("f", '{"a":'), Incomplete()),
    "failed": Turn(Say("half"), Fail("server_error", "broke")),
    "error": Turn(Say("half"), ErrorEvent("broke")),
    "cut": Turn(Say("half"), Cut(how="eof"), Say("never")),
}
RULES = {"copilot": {"9.8"}, "databricks": {"9.8"}, "litellm": {"9.16"}}
"""What the fold has to mend."""


def _said(outcome: Outcome) -> list[dict]:
    """Return the items of an outcome without ids, and with reasoning of any kind as one."""
    items = [{k: v for k, v in item.items() if k not in ("id", "call_id")} for item in outcome.output]
    for item in items:
        if item["type"] == "reasoning":
            # The summaries of some have no borders.
            item["thoughts"] = "".join([*item.pop("summary"), *item.pop("content")])
            del item["status"]
    return items


async def _body(talk, turn: Turn, dialect: ResponsesDialect, **members: object) -> bytes:
    async with talk(Scenario([turn], responses_dialect=dialect)) as api:
        came, error = await api.raw(PATH, request(tools=[{"type": "mcp", "server_label": "mcp"}], **members))
    assert error is None
    return came


@pytest.mark.faults
@pytest.mark.parametrize("name", RESPONSES_DIALECTS)
@pytest.mark.parametrize("what", TURNS)
async def test_each_dialect_says_the_same(talk, what, name):
    plain = fold(await _body(talk, TURNS[what], ResponsesDialect()))
    found = fold(await _body(talk, TURNS[what], RESPONSES_DIALECTS[name]))

    assert plain.rules == []
    assert set(found.rules) <= RULES.get(name, set())
    if (what, name) == ("error", "litellm"):
        assert found.outcome == "truncated"
        return
    assert found.outcome == plain.outcome
    said, expected = _said(found), _said(plain)
    if what in ("failed", "error") or name == "ollama":
        # Not every server lists what was open when it failed, or ends what it opened.
        for item in said + expected:
            item.pop("status", None)
    assert said == expected


@pytest.mark.parametrize("name", ["openai", "codex", "vllm", "openrouter", "litellm", "huggingface", "ollama"])
async def test_two_streams_say_what_one_says(talk, name):
    dialect = RESPONSES_DIALECTS[name]
    async with talk(Scenario([TURNS["text around a call"]], responses_dialect=dialect)) as api:
        whole, _ = await api.raw(PATH, request(background=True))
        frames = [frame + b"\n\n" for frame in whole.split(b"\n\n") if b"data: {" in frame]
        numbers = [place - sum(b"codex." in frame for frame in frames[:1]) for place in range(len(frames))]
        id = fold(whole).accumulator.response.id
        rests = [await retrieved(api, id, starting_after=str(number)) for number in numbers[2:-1]]

    expected = fold(whole)
    for place, rest in enumerate(rests, 2):
        found = fold(b"".join(frames[: place + 1]), rest)
        assert (found.outcome, found.lines, found.output) == ("complete", expected.lines, expected.output)
