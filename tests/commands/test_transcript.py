"""How a stream is laid out while it runs, whatever the protocol."""

import io
import re

from asyncstream.commands.terminal import Terminal
from asyncstream.commands.transcript import Transcript


def _shown(out: io.StringIO) -> str:
    return re.sub(r"^ +\d\.\d{3}", "   0.000", out.getvalue(), flags=re.M)


def test_events_of_a_name_in_a_row_are_one_line_and_are_all_counted() -> None:
    out = io.StringIO()
    transcript = Transcript(Terminal(out))

    for name in ("created", "delta", "delta", "created"):
        transcript.event(name)

    assert _shown(out) == "   0.000  created\n   0.000  delta\n   0.000  created\n"
    assert transcript.counts == {"created": 2, "delta": 2}


def test_pieces_of_another_block_begin_a_line_of_their_own() -> None:
    out = io.StringIO()
    transcript = Transcript(Terminal(out))

    for block, piece in (("a", "one "), ("a", "two"), ("b", "three"), ("a", "four")):
        transcript.grow(block, "text", piece)
    transcript.event("done")

    indent = " " * 10
    assert _shown(out) == (f"{indent}text    one two\n{indent}text    three\n{indent}text    four\n   0.000  done\n")


def test_lines_within_a_block_stand_below_each_other() -> None:
    out = io.StringIO()
    transcript = Transcript(Terminal(out))

    for piece in ("a\n", "\n  b", "\n", "c\n"):
        transcript.grow("code", "code", piece)
    transcript.note("answer", "yes")

    indent = " " * 10
    deep = " " * 18
    assert _shown(out) == f"{indent}code    a\n{deep}\n{deep}  b\n{deep}c\n{indent}answer  yes\n"


def test_first_token_is_the_first_piece_that_is_not_empty() -> None:
    transcript = Transcript(Terminal(None))
    transcript.event("created")
    transcript.grow("a", "text", "")

    assert transcript.first_token is None

    transcript.grow("a", "text", "x")
    first = transcript.first_token
    transcript.grow("a", "text", "y")

    assert first is not None
    assert first == transcript.first_token
