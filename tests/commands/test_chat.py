"""``chat``: what goes to stdout and what to stderr, where the question comes from, and how it ends."""

import asyncio
import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from processes import posix_only, run, run_on_terminal, started, talking, text_until, without_styles

from asyncstream.__main__ import main
from asyncstream.server import (
    DIALECTS,
    ChatDialect,
    Cut,
    EmitRaw,
    ErrorEvent,
    Fault,
    Incomplete,
    Pause,
    Refuse,
    Say,
    Scenario,
    Think,
    Turn,
    serve,
)

pytestmark = pytest.mark.system


class Server:
    """An embedded server, and the command lines that ask it."""

    def __init__(self, base_url: str, scenario: Scenario) -> None:
        self.base_url = base_url
        self.scenario = scenario

    @property
    def sent(self) -> dict:
        """The body of the last request."""
        return self.scenario.requests[-1].body or {}

    async def ask(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``chat`` with the server's URL and a key."""
        environment = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": self.base_url, **environment}
        return await asyncio.to_thread(run, "chat", *arguments, stdin=stdin, **environment)

    async def ask_here(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
        """Run ``chat`` in this process, which is quicker."""
        options = ["--base-url", self.base_url, "--api-key-env", "TEST_KEY"]
        status = await asyncio.to_thread(main, ["chat", *options, *arguments])
        return (status, *capsys.readouterr())

    async def ask_on_terminal(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run ``chat`` on a pseudo-terminal."""
        environment = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": self.base_url, **environment}
        return await asyncio.to_thread(lambda: run_on_terminal("chat", *arguments, **environment))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give `ask_here` its key."""
    monkeypatch.setenv("TEST_KEY", "any")


@asynccontextmanager
async def _served(*actions: object, **options: object) -> AsyncIterator[Server]:
    scenario = Scenario([Turn(*actions)] if actions else (), **options)
    async with serve(scenario) as base_url:
        yield Server(base_url, scenario)


def _ending(process: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return process.returncode, process.stdout, process.stderr


# The question.


async def test_question_of_the_command_line_is_answered_in_plain_text() -> None:
    async with _served() as server:
        process = await server.ask("Hello", "there")

    answer = 'You asked: "Hello there". This is the embedded server\'s answer.\n'
    assert (0, answer, "") == _ending(process)
    assert server.sent == {
        "messages": [{"role": "user", "content": "Hello there"}],
        "model": "gpt-4o-mini",
        "stream": True,
    }


@pytest.mark.parametrize("arguments", [[], ["-"]])
async def test_question_can_come_from_stdin(arguments: list[str]) -> None:
    async with _served(Say("Yes.")) as server:
        process = await server.ask(*arguments, stdin="Grüße\nan alle\n")

    assert (0, "Yes.\n", "") == _ending(process)
    assert server.sent["messages"] == [{"role": "user", "content": "Grüße\nan alle"}]


async def test_model_system_and_server_can_be_chosen() -> None:
    async with _served(Say("Yes.")) as server:
        arguments = ["--model", "m", "--system", "Be brief.", "--base-url", server.base_url, "Hi"]
        process = await server.ask(*arguments, OPENAI_BASE_URL="http://127.0.0.1:1/v1")

    assert (0, "Yes.\n", "") == _ending(process)
    assert server.sent["model"] == "m"
    assert server.sent["messages"][0] == {"role": "system", "content": "Be brief."}


async def test_key_can_come_from_another_variable() -> None:
    async with _served(Say("Yes."), Say("Yes.")) as server:
        process = await server.ask("Hi", "--api-key-env", "MY_KEY", MY_KEY="sesame")
        missing = await server.ask("Hi", "--api-key-env", "NO_KEY")

    assert process.returncode == 0
    assert server.scenario.requests[0].headers["Authorization"] == "Bearer sesame"
    assert (1, "", "error: the environment variable NO_KEY has no key\n") == _ending(missing)
    assert len(server.scenario.requests) == 1


async def test_named_server_needs_no_key_but_openai_does() -> None:
    async with _served() as server:
        named = await server.ask("Hi", "--base-url", server.base_url, OPENAI_API_KEY="")
        unnamed = await server.ask("Hi", OPENAI_API_KEY="")

    # The embedded server wants a key; that it was asked without one is what is meant here.
    assert "Authorization" not in server.scenario.requests[0].headers
    assert "No API key came" in named.stderr
    assert unnamed.returncode == 1
    assert "OPENAI_API_KEY" in unnamed.stderr
    assert len(server.scenario.requests) == 1


def test_empty_question_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(" \n"))
    assert main(["chat"]) == 1
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["chat"]) == 1
    assert capsys.readouterr() == (
        "",
        "error: the question is empty\nerror: there is no question, and no stdin to read one from\n",
    )


# What is printed.


async def test_reasoning_is_for_people_only() -> None:
    turn = [Think("Let me see."), Say("Yes.\nSure.")]
    async with _served(*turn) as server:
        process = await server.ask("Hi")
        server.scenario.turns.append(Turn(*turn))
        status, shown = await server.ask_on_terminal("Hi")

    assert (0, "Yes.\nSure.\n", "") == _ending(process)
    assert status == 0
    assert shown.startswith("".join(f"\x1b[2m{word}\x1b[0m" for word in ("Let", " me", " see.")) + "\nYes.\nSure.\n")


@posix_only
async def test_control_characters_reach_a_pipe_but_no_terminal() -> None:
    text = "a\x1b]0;title\x07b\x9b2Jc\td\re\u202ef\x7f."
    async with _served(Say(pieces=[text])) as server:
        process = await server.ask("Hi")
        server.scenario.turns.append(Turn(Say(pieces=[text])))
        _, shown = await server.ask_on_terminal("Hi")

    assert process.stdout == "a\x1b]0;title\x07b\x9b2Jc\td\ne\u202ef\x7f.\n"
    assert shown.startswith("a\ufffd]0;title\ufffdb\ufffd2Jc\tde\ufffdf\ufffd.\n")


@pytest.mark.parametrize("name", DIALECTS)
async def test_every_dialect_is_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with _served(Think("Hm."), Say("Yes, it is."), dialect=DIALECTS[name]) as server:
        assert (0, "Yes, it is.\n", "") == await server.ask_here(capsys, "Hi")


def _contents(stdout: str) -> list[str | None]:
    """Read JSON values, one or more a line, as chunks."""
    contents: list[str | None] = []
    rest = stdout.lstrip()
    while rest:
        chunk, end = json.JSONDecoder().raw_decode(rest)
        contents.append(chunk["choices"][0]["delta"].get("content"))
        rest = rest[end:].lstrip()
    return contents


async def test_json_is_what_came() -> None:
    async with _served(Say("ha ha ha"), dialect=ChatDialect(frame="glued")) as server:
        process = await server.ask("Hi", "--json")
        server.scenario.dialect = ChatDialect(frame="lines")
        server.scenario.turns.append(Turn(Say("ha")))
        in_lines = await server.ask("Hi", "--json")

    assert (0, "") == (process.returncode, process.stderr)
    assert ["", "ha", " ha", " ha", None] == _contents(process.stdout)
    assert ["", "ha", None] == _contents(in_lines.stdout)
    assert 3 == len(in_lines.stdout.splitlines())


async def test_text_streams_as_it_comes() -> None:
    async with _served(Say("One two"), Pause(60)) as server:

        def read() -> str:
            with started("chat", "Hi", OPENAI_API_KEY="any", OPENAI_BASE_URL=server.base_url) as process:
                return text_until(process, "two")

        assert await asyncio.to_thread(read) == "One two"


async def test_tokens_and_seconds_are_told_on_a_terminal_only() -> None:
    async with _served(Say("Yes.")) as server:
        piped = await server.ask("Hi")
        assert "stream_options" not in server.sent
        server.scenario.turns.append(Turn(Say("Yes.")))
        _, shown = await server.ask_on_terminal("Hi")

        assert server.sent["stream_options"] == {"include_usage": True}
    assert "" == piped.stderr
    assert re.fullmatch(r"Yes\.\n\d+ tokens in, \d+ out, \d+\.\d s\n", without_styles(shown)), shown


async def test_a_schema_is_sent(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    schema["additionalProperties"] = False
    (tmp_path / "my answer.json").write_text(json.dumps(schema))
    async with _served(Say('{"a": 1}')) as server:
        ending = await server.ask_here(capsys, "Hi", "--schema", str(tmp_path / "my answer.json"))

        assert (0, '{"a": 1}\n', "") == ending
        assert {
            "type": "json_schema",
            "json_schema": {"name": "my_answer", "schema": schema, "strict": True},
        } == server.sent["response_format"]


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot read the schema"), ("{", "is no JSON"), ("[]", "is no JSON object")]
)
async def test_what_is_no_schema_is_one_line(content, words, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "schema.json"
    if content is not None:
        file.write_text(content)
    async with _served() as server:
        status, shown, said = await server.ask_here(capsys, "Hi", "--schema", str(file))

        assert [] == server.scenario.requests
    assert (1, "") == (status, shown)
    assert re.fullmatch(f"error: .*{words}.*\n", said), said


# A conversation.


@posix_only
@pytest.mark.parametrize("ending", ["/quit\n", "\x04"], ids=["quit", "Ctrl-D"])
async def test_without_a_question_a_terminal_has_a_conversation(ending: str) -> None:
    async with _served(Say("Two."), delay=0) as server:
        server.scenario.turns += [Turn(Say("Four.")), Turn(Say("Hello."))]

        def talk() -> int:
            options = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": server.base_url}
            with talking("chat", "--system", "Be brief.", **options) as told:
                told.until("> ")
                told.type("1 + 1?\n")
                assert "Two.\n" in told.until("> ")
                told.type("\n/what\n")
                assert "no command /what" in told.until("/quit")
                told.until("> ")
                told.type("Twice that?\n")
                assert "Four.\n" in told.until("> ")
                told.type("/new\n")
                told.until("> ")
                told.type("Hi\n")
                assert "Hello.\n" in told.until("> ")
                told.type(ending)
                return told.ending()

        assert 0 == await asyncio.to_thread(talk)
        first, second, third = (request.body["messages"] for request in server.scenario.requests)
    system = {"role": "system", "content": "Be brief."}
    assert [system, {"role": "user", "content": "1 + 1?"}] == first
    assert [*first, {"role": "assistant", "content": "Two."}, {"role": "user", "content": "Twice that?"}] == second
    assert [system, {"role": "user", "content": "Hi"}] == third


@posix_only
async def test_ctrl_c_stops_an_answer_and_not_the_conversation() -> None:
    async with _served(Say("Half an"), Pause(60)) as server:
        server.scenario.turns += [Turn(Cut()), Turn(Say("Whole."))]

        def talk() -> int:
            options = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": server.base_url}
            with talking("chat", **options) as told:
                told.until("> ")
                told.type("one\n")
                told.until("an")
                told.interrupt()
                assert "interrupted" in told.until("> ")
                told.type("two\n")
                assert "error: " in told.until("> ")
                told.type("three\n")
                assert "Whole.\n" in told.until("> ")
                return told.interrupted()

        assert 130 == await asyncio.to_thread(talk)
        # What had no whole answer is not told again.
        assert [{"role": "user", "content": "three"}] == server.scenario.requests[-1].body["messages"]


# How it ends.


@pytest.mark.parametrize(
    ("actions", "stdout", "stderr"),
    [
        ([Say("Half an"), Incomplete()], "Half an\n", "the answer is not whole: its limit of tokens was reached\n"),
        (
            [Say("Half an"), Incomplete("content_filter")],
            "Half an\n",
            "the answer is not whole: a content filter stopped it\n",
        ),
        ([Refuse("I will not.")], "I will not.\n", "the model refused\n"),
        ([Think("Hm.")], "", "there is no text in the answer: it ended with the finish reason 'stop'\n"),
    ],
    ids=["length", "filter", "refusal", "nothing"],
)
async def test_answer_that_is_none_is_status_3(
    actions: list, stdout: str, stderr: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with _served(*actions) as server:
        assert (3, stdout, stderr) == await server.ask_here(capsys, "Hi")


@pytest.mark.parametrize(
    ("actions", "stdout", "pattern"),
    [
        ([Say("Half an"), Cut()], "Half an\n", "the answer is not whole\nerror: .+\n"),
        ([Say("Half an"), Cut(how="eof")], "Half an\n", "the answer is not whole\nerror: stream ended after .+\n"),
        ([Say("Half an"), ErrorEvent("Out of\nroom.")], "Half an\n", "the answer is not whole\nerror: Out of room.+\n"),
        ([Say("Half an"), EmitRaw(b"data: {]\n\n")], "Half an\n", "the answer is not whole\nerror: .+\n"),
        ([ErrorEvent("Too much.")], "", "error: Too much.*\n"),
    ],
    ids=["cut", "eof", "error", "unreadable", "at once"],
)
async def test_failure_keeps_what_came_and_is_status_1(
    actions: list, stdout: str, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with _served(*actions) as server:
        status, shown, said = await server.ask_here(capsys, "Hi")

    assert (1, stdout) == (status, shown)
    assert re.fullmatch(pattern, said), said


async def test_nothing_but_done_is_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    body = b"data: [DONE]\n\n"
    async with _served(responses=[Fault(200, headers={"Content-Type": "text/event-stream"}, body=body)]) as server:
        ending = await server.ask_here(capsys, "Hi")

    assert (1, "", "error: the server ended the answer before it began\n") == ending


async def test_refused_request_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    async with _served(responses=[Fault(401, body={"error": {"message": "Wrong\nkey."}})]) as server:
        status, shown, said = await server.ask_here(capsys, "Hi")

    assert (status, shown) == (1, "")
    assert re.fullmatch(r"error: .*Wrong key\..*\n", said)


@posix_only
async def test_ctrl_c_keeps_the_partial_and_says_so() -> None:
    async with _served(Say("Half an"), Pause(60)) as server:

        def interrupt() -> tuple[int, str, str]:
            with started("chat", "Hi", OPENAI_API_KEY="any", OPENAI_BASE_URL=server.base_url) as process:
                shown = text_until(process, "an")
                process.send_signal(signal.SIGINT)
                rest, errors = process.communicate(timeout=60)
                return process.returncode, shown + rest, errors

        assert await asyncio.to_thread(interrupt) == (130, "Half an\n", "interrupted: the answer is not whole\n")


@posix_only
async def test_reader_that_goes_away_is_no_traceback() -> None:
    async with _served(Say("One two three"), Pause(0.05), Say(" four"), delay=0.01) as server:

        def leave() -> tuple[int, str]:
            with started("chat", "Hi", OPENAI_API_KEY="any", OPENAI_BASE_URL=server.base_url) as process:
                text_until(process, "One")
                assert process.stdout is not None
                process.stdout.close()
                assert process.stderr is not None
                return process.wait(60), process.stderr.read()

        assert await asyncio.to_thread(leave) == (141, "")
