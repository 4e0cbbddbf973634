"""``demo``: what it shows on a pipe and on a terminal, and how it ends."""

import io
import re
import signal
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from processes import lines_until, posix_only, run, run_on_terminal, started, without_styles

from asyncstream.__main__ import main
from asyncstream.commands.command import CommandFailed
from asyncstream.commands.demos import assistants
from asyncstream.commands.terminal import Terminal
from asyncstream.errors import StreamError
from asyncstream.server import Cut, ErrorEvent, Expire, Fail, Say, Segment, Turn

pytestmark = pytest.mark.faults
"""Most run the command in a process of its own."""

_EVENTS = """\
thread.run.created
thread.run.queued
thread.run.in_progress
thread.run.step.created
thread.run.step.in_progress
thread.message.created
thread.message.in_progress
thread.message.delta
    text    I will look up both temperatures and compare them.
thread.message.completed
thread.run.step.completed
thread.run.step.created
thread.run.step.in_progress
thread.run.step.delta
    call    get_temperature {"city":"Lisbon"}
    call    get_temperature {"city":"Oslo"}
thread.run.requires_action
    answer  get_temperature {"city":"Lisbon"} -> 24.5
    answer  get_temperature {"city":"Oslo"} -> 11.0
thread.run.step.completed
thread.run.queued
thread.run.in_progress
thread.run.step.created
thread.run.step.in_progress
thread.run.step.delta
    code    lisbon, oslo = 24.5, 11.0
            print('difference:', lisbon - oslo)
            print('mean:', (lisbon + oslo) / 2)
    logs    difference: 13.5
            mean: 17.75
thread.run.step.completed
thread.run.step.created
thread.run.step.in_progress
thread.message.created
thread.message.in_progress
thread.message.delta
    text    It is 24.5 °C in Lisbon and 11.0 °C in Oslo,
            so Lisbon is 13.5 °C warmer right now.
thread.message.completed
thread.run.step.completed
thread.run.completed
"""

_REPORT = """\
run        run_ID, embedded-model, completed
usage      75 prompt + 68 completion = 143 tokens
steps      step_ID, message_creation, completed
             msg_ID
           step_ID, tool_calls, completed
             get_temperature {"city":"Lisbon"} -> 24.5
             get_temperature {"city":"Oslo"} -> 11.0
           step_ID, tool_calls, completed
             code_interpreter, 3 lines -> difference: 13.5, mean: 17.75
           step_ID, message_creation, completed
             msg_ID
messages   msg_ID, assistant, completed
             I will look up both temperatures and compare them.
           msg_ID, assistant, completed
             It is 24.5 °C in Lisbon and 11.0 °C in Oslo,
             so Lisbon is 13.5 °C warmer right now.
events     98, among them 45 thread.run.step.delta and 28 thread.message.delta
time       to first token N s, to the end N s
"""


class Recorder(io.StringIO):
    """A stream that remembers what was written before each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def flush(self) -> None:
        self.seen.append(self.getvalue())


def _parts(shown: str) -> tuple[str, str, str]:
    """Return the head, the events and the report of a demo, without what differs from run to run."""
    head, events, report = shown.split("\n\n")
    events = re.sub(r"^ +\d+\.\d{3}  (?=thread)", "", events, flags=re.M)
    events = re.sub(r"^ {10}", "    ", events, flags=re.M)
    report = re.sub(r"(?<=[a-z]_)\w{24}\b", "ID", report)
    report = re.sub(r"\d+\.\d{3} s", "N s", report)
    return head, events + "\n", report


# What is shown.


def test_on_a_pipe_it_is_plain_text() -> None:
    process = run("demo")

    head, events, report = _parts(process.stdout)
    assert process.returncode == 0
    assert process.stderr == ""
    assert "\x1b" not in process.stdout
    assert re.fullmatch(
        r"server     http://127\.0\.0\.1:\d+/v1\n"
        r"assistant  asst_\w{24}, with get_temperature and code_interpreter\n"
        r"question   How much warmer is it in Lisbon than in Oslo right now\?",
        head,
    )
    assert events == _EVENTS
    assert report == _REPORT


@posix_only
def test_on_a_terminal_it_is_the_same_in_colours() -> None:
    status, shown = run_on_terminal("demo", "--delay", "0")

    assert status == 0
    assert _parts(without_styles(shown))[1:] == (_EVENTS, _REPORT)
    assert re.search(r"\x1b\[2m +\d\.\d{3}  thread\.run\.created\n\x1b\[0m", shown)
    for code in (1, 32, 33, 35, 36):
        assert f"\x1b[{code}m" in shown
    assert len(re.findall(r"\x1b\[[1-9]\d*m", shown)) == shown.count("\x1b[0m")


@posix_only
@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "TERM=dumb"])
def test_on_a_terminal_colours_can_be_had_off(environment: dict[str, str]) -> None:
    status, shown = run_on_terminal("demo", "--delay", "0", **environment)

    assert status == 0
    assert "\x1b" not in shown
    assert _parts(shown)[1:] == (_EVENTS, _REPORT)


def test_an_encoding_without_the_characters_shows_question_marks() -> None:
    process = run("demo", PYTHONUTF8="0", PYTHONIOENCODING="ascii")

    assert (process.returncode, process.stderr) == (0, "")
    assert "It is 24.5 ?C in Lisbon" in process.stdout


async def test_everything_grows_piece_by_piece() -> None:
    out = Recorder()

    await assistants.show(Terminal(out), delay=0.0)

    for half in (
        "\n          text    I will look",
        '\n          call    get_temperature {"city',
        "\n          code    lisbon, oslo = 24",
        "\n                  print('difference:', lisbon - ",
    ):
        assert any(seen.endswith(half) for seen in out.seen), half


# How it ends.


@pytest.mark.parametrize(
    ("turn", "message"),
    [
        (Turn(Say("Half an ans"), Fail(message="out of\ncapacity")), "the run ended as 'failed': out of\ncapacity"),
        (Turn(Say("Half an ans"), Expire()), "the run ended as 'expired'"),
    ],
    ids=["failed", "expired"],
)
async def test_a_run_that_does_not_complete_is_shown_and_is_a_failure(turn: Turn, message: str) -> None:
    out = io.StringIO()

    with pytest.raises(CommandFailed) as failure:
        await assistants.show(Terminal(out), delay=0.0, model=lambda _: turn)

    assert str(failure.value) == message
    assert "text    Half an ans\n" in out.getvalue()
    assert "\nrun        run_" in out.getvalue()


def _always(*actions: Say | Fail | Cut | ErrorEvent) -> Callable[[Segment], Turn]:
    return lambda _: Turn(*actions)


@pytest.mark.parametrize(
    ("model", "pattern"),
    [
        (_always(Say("Half an ans"), Fail(message="out of\ncapacity")), "the run ended as 'failed': out of capacity"),
        (_always(Say("Half an ans"), Cut()), ".+"),
        (_always(Say("Half an ans"), ErrorEvent("overloaded")), ".*overloaded.*"),
    ],
    ids=["failed", "cut", "error event"],
)
def test_an_error_is_one_line_and_status_1(
    model: Callable[[Segment], Turn],
    pattern: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(assistants, "_compare", model)

    assert main(["demo"]) == 1
    shown = capsys.readouterr()
    assert re.fullmatch(f"error: {pattern}\n", shown.err)
    assert "text    Half an ans\n" in shown.out
    assert shown.out.endswith("\n")


async def test_an_interrupted_stream_is_our_error() -> None:
    with pytest.raises(StreamError):
        await assistants.show(Terminal(None), delay=0.0, model=_always(Say("Half an ans"), Cut()))


@posix_only
def test_ctrl_c_keeps_what_was_shown_and_leaves_nothing() -> None:
    with started("demo", "--delay", "0.2") as process:
        head = lines_until(process, "thread.run.in_progress")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (130, "")
    assert "question   " in "".join(head)
    assert "thread.run.completed" not in rest
    assert rest == "" or rest.endswith("\n")
    address = urlsplit(head[0].split()[1])
    assert address.hostname is not None
    assert address.port is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


@posix_only
@pytest.mark.parametrize("arguments", [[], ["--delay", "0.02"]], ids=["at once", "slowly"])
def test_a_reader_that_goes_away_is_no_traceback(arguments: list[str]) -> None:
    with started("demo", *arguments) as process:
        lines_until(process, "question")
        assert process.stdout is not None
        process.stdout.close()
        # Read by hand: communicate() wants both pipes.
        assert process.stderr is not None
        errors = process.stderr.read()
        status = process.wait(60)

    assert errors == ""
    # It may have written everything before the pipe was closed.
    assert status == 141 or (status == 0 and not arguments)
