"""What a terminal lets through, and lines that are written over."""

import io

import pytest

from asyncstream.commands.terminal import Terminal
from asyncstream.commands.transcript import Transcript


def test_a_person_is_spared_control_characters_and_a_pipe_is_not() -> None:
    text = "\x00\x1b[31m\x07\x7f\x85\x9b\u202e\u2066|a\tb\nc\r\n\u200fd é"
    shown, piped = io.StringIO(), io.StringIO()

    Terminal(shown, interactive=True).write(text)
    Terminal(piped).write(text)

    assert shown.getvalue() == "\ufffd\ufffd[31m" + "\ufffd" * 6 + "|a\tb\nc\n\u200fd é"
    assert piped.getvalue() == text


def test_styles_stand_around_what_is_harmless() -> None:
    out = io.StringIO()

    Terminal(out, interactive=True, coloured=True).write("a\x1b[0mb", "red")

    assert out.getvalue() == "\x1b[31ma\ufffd[0mb\x1b[0m"


def test_text_of_nothing_but_carriage_returns_is_nothing() -> None:
    out = io.StringIO()
    terminal = Terminal(out, interactive=True)

    terminal.write("\r")
    terminal.end_line()

    assert out.getvalue() == ""


def test_a_line_that_is_too_long_shows_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "11")
    terminal = Terminal(io.StringIO())

    assert terminal.fitted("0123456789") == "0123456789"
    assert terminal.fitted("0123456789abcdef") == "012…abcdef"


def test_changing_lines_are_written_over_until_something_else_is_shown() -> None:
    out = io.StringIO()
    transcript = Transcript(Terminal(out, interactive=True, movable=True))

    transcript.change("a", "call", "f")
    transcript.change("b", "call", "g")
    transcript.change("a", "call", "f 1")
    transcript.note("finish", "stop")
    transcript.change("a", "call", "f 2")

    before, over, after = out.getvalue().partition("\x1b[2A\r\x1b[2K          call    f 1\x1b[2B\r")
    assert over
    assert before == "          call    f\n          call    g\n"
    assert after == "          finish  stop\n          call    f 2\n"


def test_where_nothing_can_be_written_over_each_change_is_a_line() -> None:
    out = io.StringIO()
    transcript = Transcript(Terminal(out))

    transcript.change("a", "call", "f")
    transcript.change("a", "call", "f 1")

    assert out.getvalue() == "          call    f\n          call    f 1\n"
