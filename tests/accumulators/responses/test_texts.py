"""A text that is opened, grows, and is said once more (rules 9.13, 9.14, 6.2)."""

from response_folds import done, event, fold, life, text

from asyncstream.accumulators.repairs import Repairs
from asyncstream.accumulators.responses.texts import GrowingText

HIGH, LOW, SMILE = "\ud83d", "\ude42", "\U0001f642"
END = life("completed")


def complete(*pieces: str, whole: str) -> tuple[str, str, list[str]]:
    text, repairs = GrowingText(), Repairs()
    for piece in pieces:
        text.add(piece)
    rest = text.complete(whole, repairs, "here")
    return rest, text.text(), [repair.rule for repair in repairs.made]


def test_a_done_text_goes_on_from_what_was_told():
    assert ("!", "a!", []) == complete("a", whole="a!")
    assert ("", "a", []) == complete("a", whole="a")
    assert ("", "a", []) == complete("a", whole="")
    assert ("", "b", ["9.14"]) == complete("a", whole="b")
    assert ("", "a", ["9.14"]) == complete("a", "b", whole="a")
    assert ("a", "a", []) == complete(whole="a")


def test_halves_of_a_character_are_compared_as_the_character():
    assert ("!", SMILE + "!", []) == complete(HIGH, LOW, whole=SMILE + "!")
    assert ("", SMILE, []) == complete(HIGH, LOW, whole=SMILE)
    # Of a character that is begun, the other half is what is new.
    assert (LOW + "!", "é" + SMILE + "!", []) == complete("é", HIGH, whole="é" + SMILE + "!")
    assert ("", "é", ["9.14"]) == complete("ü", whole="é")


def test_an_opening_text_is_told_once():
    text = GrowingText()
    text.open_with("")
    assert (False, "", False) == (text.untold, text.tell(), bool(text))
    text.open_with("a")
    text.open_with("b")
    assert (True, "a", True) == (text.untold, text.text(), bool(text))
    assert ("a", "") == (text.tell(), text.tell())
    assert ("b",) == text.add("b")
    text.open_with("c")
    assert ("ab", False) == (text.text(), text.untold)


def test_a_placeholder_gives_way_to_anything():
    text = GrowingText()
    text.open_with("{}", placeholder=True)
    assert ("[",) == text.add("[")
    assert ("]",) == text.add("]")
    assert "[]" == text.text()


def test_a_half_is_held_back_until_the_text_ends():
    frames = life("created") + text("a" + HIGH, content_index=0)
    found = fold(frames + text(LOW, content_index=0) + END)
    assert ("a" + SMILE, ["a" + HIGH, LOW]) == (
        found.accumulator.response.output_text,
        [change.delta for change in found.changes if type(change).__name__ == "ContentChanged"],
    )
    # Cut, or done, it finds no partner.
    assert "a\ufffd" == fold(frames).accumulator.response.output_text
    whole = event("output_text.done", item_id="m", content_index=0, text="a" + HIGH)
    assert "a\ufffd" == fold(frames + whole).accumulator.response.output_text
    assert "a" == fold(frames, pickled=True).accumulator.response.output_text.rstrip("\ufffd")
    error = b'data: {"type": "error", "message": "no"}\n\n'
    assert "a\ufffd" == fold(frames + error).accumulator.response.output_text


def test_a_resumption_may_bring_the_other_half():
    one = [text("a" + HIGH, content_index=0, sequence_number=1), text(LOW, content_index=0, sequence_number=2) + END]

    assert "a" + SMILE == fold(*one).accumulator.response.output_text
    said = [
        event("audio.transcript.delta", delta=half, sequence_number=number) for number, half in ((1, HIGH), (2, LOW))
    ]
    assert SMILE == fold(said[0], said[1] + END).accumulator.audio.transcript
    assert "\ufffd" == fold(said[0]).accumulator.audio.transcript


def test_what_is_no_text_holds_no_half():
    frames = life("created", id="r", vendor={"text": HIGH, "x": [HIGH]})
    frames += done("odd", 0, id="x" + HIGH, deep={"text": "t" + LOW, HIGH: 1}, arguments={"input": HIGH})
    frames += event("output_text.annotation.added", item_id="m", annotation={"type": "x", "text": HIGH})
    found = fold(frames + END)

    assert "\\ud83d" not in repr(found.accumulator.response)
    for said in (found.accumulator.response.to_json(), "\n".join(found.lines)):
        said.encode()
    assert {"vendor": {"text": "\ufffd", "x": ["\ufffd"]}} == found.accumulator.response.extra
    assert "created item x\ufffd" in found.lines
