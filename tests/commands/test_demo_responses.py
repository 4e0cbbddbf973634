"""``demo --responses``: thoughts, a search, a call whose output goes back in the same stream; and how it ends."""

import io
import re

import pytest
from processes import posix_only, run, run_on_terminal

from asyncstream.commands.command import CommandFailed
from asyncstream.commands.demos import responses
from asyncstream.commands.terminal import Terminal
from asyncstream.errors import StreamError, StreamEventError
from asyncstream.server import Cut, Fail, Incomplete, Say, Turn

pytestmark = pytest.mark.faults
"""Most run the command in a process of its own."""

_HEAD = r"""server     http://127\.0\.0\.1:\d+/v1
tool       weigh\(millilitres\)
question   What does a coffee at the top of the Eiffel Tower weigh\?"""
_REPORT = """\
response   resp_ID, embedded-model, completed
usage      32 in + 14 out = 46 tokens
message    An espresso of 30 ml weighs about 29.4 g,
           up there as down here.
time       to first token N s, to the end N s, 2 requests
"""
_CALL = 'weigh {"millilitres":30}'
_ENDS = """\
    status  completed
    answer  weigh -> 29.4
response
    text    An espresso of 30 ml weighs about 29.4 g,
            up there as down here.
    status  completed
"""


def test_on_a_pipe_it_is_told_line_by_line() -> None:
    process = run("demo", "--responses")

    assert (process.returncode, process.stderr) == (0, "")
    assert "\x1b" not in process.stdout
    head, events, report = process.stdout.split("\n\n")
    assert re.fullmatch(_HEAD, head)
    events = re.sub(r"^ +\d+\.\d{3}  (?=response)", "", events, flags=re.M)
    events = re.sub(r"^ {10}", "    ", events, flags=re.M) + "\n"
    assert events.startswith(
        "response\n    thought A coffee up there is an espresso.\n            How much is that?\n    search  "
    )
    assert events.endswith(f"    call    {_CALL}\n{_ENDS}")
    report = re.sub(r"(?<=resp_)\w{24}\b", "ID", report)
    assert re.sub(r"\d+\.\d{3} s", "N s", report) == _REPORT


@posix_only
def test_on_a_terminal_the_call_grows_in_its_place() -> None:
    status, shown = run_on_terminal("demo", "--responses", "--delay", "0")

    assert status == 0
    assert shown.count("\n") < 25
    assert "\x1b[2m" in shown


@pytest.mark.parametrize(
    ("turn", "error"),
    [
        (Turn(Say("Half an"), Incomplete()), CommandFailed),
        (Turn(Say("Half an"), Cut()), StreamError),
        (Turn(Say("Half an"), Fail("server_error", "broke")), StreamEventError),
    ],
)
async def test_response_that_is_not_whole_is_a_failure(turn: Turn, error: type[Exception]) -> None:
    out = io.StringIO()

    with pytest.raises(error):
        await responses.show(Terminal(out), delay=0.0, model=lambda _: turn)
    assert "text    Half an" in out.getvalue()


@pytest.mark.parametrize("arguments", [["--chat", "--responses"], ["--chat", "--responses", "--web"]])
def test_one_demo_at_a_time(arguments: list[str]) -> None:
    process = run("demo", *arguments)

    assert process.returncode == 1
    assert "choose one" in process.stderr
