"""What a model thinks aloud, merged for sending back as it was cut: details, blocks, content in parts."""

import pytest

from asyncstream.accumulators.chat.reasoning import (
    ContentParts,
    ReasoningDetails,
    ThinkingBlocks,
    blocks_text,
    details_text,
    thinking_text,
)


def detail(text: str, **members: object) -> dict[str, object]:
    return {"type": "reasoning.text", "index": 1, "text": text, **members}


def thought(text: str, **members: object) -> dict[str, object]:
    return {"type": "thinking", "thinking": text, **members}


def details(*deltas: dict[str, object]) -> list[dict[str, object]]:
    folded = ReasoningDetails()
    for one in deltas:
        folded.fold([one])
    return folded.built()


def blocks(*deltas: dict[str, object]) -> list[dict[str, object]]:
    folded = ThinkingBlocks()
    for one in deltas:
        folded.fold([one])
    return folded.built()


def parts(*given: dict[str, object]) -> list[dict[str, object]] | None:
    folded = ContentParts("")
    folded.add([*given])
    return folded.built()


def test_what_is_said_in_several_entries_is_one_text():
    assert "abc" == details_text([{"text": "a"}, {"text": "", "summary": "b"}, {"summary": 1}, {"text": "c"}])
    assert "ab" == blocks_text([{"thinking": "a"}, {"thinking": "b"}])
    listed = [{"text": "c"}, "no entry", {"text": "d"}]
    told = [thought("a"), {"type": "text", "text": "no"}, {"type": "reasoning", "text": "b"}]
    assert "abcdcd" == thinking_text(
        [*told, {"type": "reasoning", "summary": listed}, {**thought(""), "thinking": listed}]
    )


@pytest.mark.parametrize(
    ("later", "merged"),
    [
        (detail("b"), detail("ab")),
        (detail("b", type=""), detail("ab")),
        (detail("b", index="1"), detail("ab")),
        (detail("b", id="i"), detail("ab", id="i")),
        (detail("b", id=None, format=None), detail("ab")),
        (detail("b", signature="s"), detail("ab", signature="s")),
        ({"id": None, **detail("b")}, detail("ab")),
    ],
)
def test_a_detail_goes_on_at_its_index(later, merged):
    assert [merged] == details(detail("a"), later)


def test_what_names_a_detail_is_set_once_and_a_signature_is_the_last():
    first, second = detail("a", id="i", format="f", signature="s"), detail("b", id="i", format="g", signature="t")

    assert [detail("ab", id="i", format="f", signature="t")] == details(first, second)
    assert [detail("a", id="i"), detail("b", id="j")] == details(detail("a", id="i"), detail("b", id="j"))


@pytest.mark.parametrize(
    ("later", "merged"),
    [
        (thought("b"), thought("ab")),
        ({"thinking": "b"}, thought("ab")),
        ({"signature": "s"}, thought("a", signature="s")),
        ({"signature": ""}, thought("a", signature="")),
        ({"signature": None, "thinking": "b"}, thought("ab")),
    ],
)
def test_a_block_goes_on_until_its_signature_came(later, merged):
    assert [merged] == blocks(thought("a"), later)
    assert [thought("a", signature="s"), thought("b")] == blocks(thought("a", signature="s"), thought("b"))


def test_an_empty_member_of_a_block_erases_nothing():
    signed = thought("a", signature="s", index=0)

    assert [signed] == blocks(signed, {"index": 0, "signature": ""}, {"index": 0, "signature": None})
    assert [{**signed, "signature": "t"}] == blocks(signed, {"index": 0, "signature": "t"})


def test_what_is_encrypted_is_a_block_of_its_own():
    hidden = {"type": "redacted_thinking"}

    assert [{**hidden, "data": "x"}, {**hidden, "data": "y"}] == blocks(
        {**hidden, "data": "x"}, {**hidden, "data": "y"}
    )
    assert [{**hidden, "data": "y"}] == blocks(hidden, {**hidden, "data": "y"})
    assert [thought("a"), {**hidden, "data": "y"}] == blocks(thought("a"), {**hidden, "data": "y"})


def test_parts_of_one_type_that_follow_one_another_are_joined():
    picture = {"type": "image", "id": "p"}

    assert [picture, {"type": "text", "text": "ab"}, picture] == parts(
        picture, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}, picture
    )
    assert [{"type": "reasoning", "text": "ab"}] == parts(
        {"type": "reasoning", "more": None, "text": "a"}, {"type": "reasoning", "text": "b"}
    )
    assert None is parts({"type": "text", "text": "a"})


def test_a_text_goes_on_with_the_last_entry_of_a_list():
    listed = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    assert [thought("", thinking=[listed[0], {"type": "text", "text": "bc"}])] == parts(
        {"type": "thinking", "thinking": listed}, thought("c")
    )
    assert [thought("", thinking=[{"type": "text", "text": "xa"}, listed[1]])] == parts(
        thought("x"), {"type": "thinking", "thinking": listed}
    )
