"""``chat --responses``: the same command over the other protocol: what is sent, what is said, how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from processes import posix_only, talking

from asyncstream.__main__ import main
from asyncstream.server import (
    RESPONSES_DIALECTS,
    CallFunction,
    Cut,
    ErrorEvent,
    Fail,
    Incomplete,
    Refuse,
    Say,
    Scenario,
    Think,
    Turn,
    serve,
)

Ask = tuple[int, str, str]


class Server:
    """An embedded server, and the command lines that ask it."""

    def __init__(self, base_url: str, scenario: Scenario) -> None:
        self.base_url = base_url
        self.scenario = scenario

    async def ask(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> Ask:
        options = ["--responses", "--base-url", self.base_url, "--api-key-env", "TEST_KEY"]
        status = await asyncio.to_thread(main, ["chat", *options, *arguments])
        return (status, *capsys.readouterr())


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "any")


@asynccontextmanager
async def _served(*actions: object, **options: object) -> AsyncIterator[Server]:
    scenario = Scenario([Turn(*actions)] if actions else (), **options)
    async with serve(scenario) as base_url:
        yield Server(base_url, scenario)


async def test_question_is_asked_by_responses(capsys) -> None:
    async with _served() as server:
        ending = await server.ask(capsys, "Hello", "there")

    assert ending == (0, 'You asked: "Hello there". This is the embedded server\'s answer.\n', "")
    [seen] = server.scenario.requests
    assert seen.path == "/v1/responses"
    assert seen.body == {
        "input": [{"role": "user", "content": "Hello there"}],
        "model": "gpt-4o-mini",
        "stream": True,
    }


async def test_system_and_schema_have_their_own_places(capsys, tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    file = tmp_path / "an answer.json"
    file.write_text(json.dumps(schema))
    async with _served() as server:
        status, out, _ = await server.ask(capsys, "Hi", "--system", "Be brief.", "--schema", str(file))

    body = server.scenario.requests[0].body or {}
    assert (status, list(json.loads(out))) == (0, ["a"])
    assert body["instructions"] == "Be brief."
    assert body["text"] == {"format": {"type": "json_schema", "name": "an_answer", "schema": schema, "strict": True}}


@pytest.mark.parametrize(
    ("actions", "status", "out", "said"),
    [
        ([Say("Half"), Incomplete()], 3, "Half\n", "the answer is not whole: its limit of tokens was reached\n"),
        (
            [Say("Half"), Incomplete("content_filter")],
            3,
            "Half\n",
            "the answer is not whole: a content filter stopped it\n",
        ),
        ([Say("Half"), Incomplete("steered")], 3, "Half\n", "the answer is not whole: its status is 'incomplete'\n"),
        ([Refuse("No, no.")], 3, "No, no.\n", "the model refused\n"),
        ([CallFunction("f")], 3, "", "there is no text in the answer\n"),
        ([Think("well"), Say("Yes.")], 0, "Yes.\n", ""),
    ],
)
async def test_endings(capsys, actions, status, out, said) -> None:
    async with _served(*actions) as server:
        ending = await server.ask(capsys, "Hi")

    assert ending == (status, out, said)


@pytest.mark.parametrize(
    ("action", "said"),
    [(Cut(how="eof"), "stream ended"), (Fail("server_error", "broke"), "broke"), (ErrorEvent("boom"), "boom")],
)
async def test_broken_answers(capsys, action, said) -> None:
    async with _served(Say("Half"), action) as server:
        status, out, err = await server.ask(capsys, "Hi")

    assert (status, out) == (1, "Half\n")
    assert err.startswith("the answer is not whole\nerror: ")
    assert said in err


async def test_events_are_printed_as_they_came(capsys) -> None:
    async with _served(Say("Hi")) as server:
        status, out, err = await server.ask(capsys, "Hi", "--json")

    events = [json.loads(line) for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert [events[0]["type"], events[-1]["type"]] == ["response.created", "response.completed"]


@pytest.mark.parametrize("name", RESPONSES_DIALECTS)
async def test_it_reads_every_dialect(capsys, name) -> None:
    async with _served(Think("well"), Say("All the same."), responses_dialect=RESPONSES_DIALECTS[name]) as server:
        ending = await server.ask(capsys, "Hi")

    assert ending == (0, "All the same.\n", "")


@posix_only
@pytest.mark.system
async def test_conversation_sends_its_texts_back() -> None:
    async with _served(Say("Two.")) as server:
        server.scenario.turns += [Turn(Say("Four.")), Turn(Say("Hello."))]

        def talk() -> int:
            options = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": server.base_url}
            with talking("chat", "--responses", **options) as told:
                for typed, answer in (("1 + 1?", "Two."), ("Twice that?", "Four."), ("/new", ""), ("Hi", "Hello.")):
                    told.until("> ")
                    told.type(f"{typed}\n")
                    if answer:
                        told.until(f"{answer}\n")
                told.until("> ")
                told.type("/quit\n")
                return told.ending()

        assert await asyncio.to_thread(talk) == 0
        first, second, third = (request.body["input"] for request in server.scenario.requests)
    assert first == [{"role": "user", "content": "1 + 1?"}]
    assert second == [*first, {"role": "assistant", "content": "Two."}, {"role": "user", "content": "Twice that?"}]
    assert third == [{"role": "user", "content": "Hi"}]
