"""``demo --chat``: two calls that grow by turns, on a pipe and in their places on a terminal; and how it ends."""

import io
import re
from itertools import pairwise

import pytest
from processes import posix_only, run, run_on_terminal, without_styles

from asyncstream.commands.command import CommandFailed
from asyncstream.commands.demos import chat
from asyncstream.commands.terminal import Terminal
from asyncstream.errors import StreamError
from asyncstream.server import Cut, Incomplete, Say, Turn

_HEAD = r"""server     http://127\.0\.0\.1:\d+/v1
tool       get_current_weather\(city, unit\)
question   Is it warmer in Lisbon or in Oslo right now\?"""

_CALL = "get_current_weather"
_CITIES = ("Lisbon", "Oslo")
_AFTER_CALLS = """\
    finish  tool_calls
    answer  get_current_weather {"city":"Lisbon","unit":"celsius"} -> 24.5
    answer  get_current_weather {"city":"Oslo","unit":"celsius"} -> 11.0
chat.completion.chunk
    text    It is 24.5 °C in Lisbon and 11.0 °C in Oslo,
            so Lisbon is 13.5 °C warmer right now.
    finish  stop
"""
_REPORT = """\
completion chatcmpl-ID, embedded-model, stop
usage      17 prompt + 19 completion = 36 tokens
message    It is 24.5 °C in Lisbon and 11.0 °C in Oslo,
           so Lisbon is 13.5 °C warmer right now.
time       to first token N s, to the end N s
"""


def _parts(shown: str) -> tuple[str, str, str]:
    """Return the head, the stream and the report, without what differs from run to run."""
    head, events, report = shown.split("\n\n")
    events = re.sub(r"^ +\d+\.\d{3}  (?=chat)", "", events, flags=re.M)
    events = re.sub(r"^ {10}", "    ", events, flags=re.M)
    report = re.sub(r"(?<=chatcmpl-)\w{24}\b", "ID", report)
    return head, events + "\n", re.sub(r"\d+\.\d{3} s", "N s", report)


def test_on_a_pipe_each_growth_of_a_call_is_a_line() -> None:
    process = run("demo", "--chat")

    assert (process.returncode, process.stderr) == (0, "")
    assert "\x1b" not in process.stdout
    head, events, report = _parts(process.stdout)
    assert re.fullmatch(_HEAD, head)
    first, *calls = events.removesuffix(_AFTER_CALLS).splitlines()[1:]
    assert first == "    text    I will look up both."
    # The names come first; then the arguments of both grow by turns.
    assert calls[:2] == [f"    call 0  {_CALL}", f"    call 1  {_CALL}"]
    assert [line[9] for line in calls] == ["0", "1"] * (len(calls) // 2)
    for number, city in enumerate(_CITIES):
        lines = [line for line in calls if line.startswith(f"    call {number}")]
        assert all(longer.startswith(line) for line, longer in pairwise(lines))
        assert lines[-1] == f'    call {number}  {_CALL} {{"city":"{city}","unit":"celsius"}}'
        assert len(lines) > 5
    assert events.endswith(_AFTER_CALLS)
    assert report == _REPORT


@posix_only
def test_on_a_terminal_calls_grow_in_their_places() -> None:
    status, shown = run_on_terminal("demo", "--chat", "--delay", "0")

    assert status == 0
    lines = without_styles(_Screen(shown).text)
    assert [line.strip() for line in lines.splitlines() if "call " in line] == [
        f'call {number}  {_CALL} {{"city":"{city}","unit":"celsius"}}' for number, city in enumerate(_CITIES)
    ]
    assert _parts(lines)[1].endswith(_AFTER_CALLS)
    # Both names are there before any argument is.
    before = shown[: shown.index("\x1b[2A")]
    assert before.count(_CALL + "\n") == 2
    assert "\x1b[32m" in shown


class _Screen:
    """What a terminal shows in the end, of those codes that move the cursor or erase a line."""

    def __init__(self, shown: str) -> None:
        self._lines = [""]
        self._row = 0
        for code, number, text in re.findall(r"\x1b\[(\d+)([ABK])|([^\x1b\r\n]+|\x1b\[\d+m|\r|\n)", shown):
            self._do(code, number, text)

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def _do(self, count: str, code: str, text: str) -> None:
        if code == "A":
            self._row -= int(count)
        elif code == "B":
            self._row += int(count)
        elif code == "K":
            self._lines[self._row] = ""
        elif text == "\n":
            self._row += 1
            if self._row == len(self._lines):
                self._lines.append("")
        elif text != "\r":
            self._lines[self._row] += text


@posix_only
def test_on_a_plain_terminal_nothing_is_written_over() -> None:
    status, shown = run_on_terminal("demo", "--chat", "--delay", "0", NO_COLOR="1")

    assert status == 0
    assert "\x1b" not in shown
    assert shown.count("call 1") > 5


@pytest.mark.parametrize(
    ("turn", "error"), [(Turn(Say("Half an"), Incomplete()), CommandFailed), (Turn(Say("Half an"), Cut()), StreamError)]
)
async def test_answer_that_is_not_whole_is_a_failure(turn: Turn, error: type[Exception]) -> None:
    out = io.StringIO()

    with pytest.raises(error):
        await chat.show(Terminal(out), delay=0.0, model=lambda _: turn)
    assert "text    Half an" in out.getvalue()
