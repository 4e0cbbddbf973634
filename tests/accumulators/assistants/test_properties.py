"""What holds for any stream: damaged, cut and glued transcripts, and texts torn in other places."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from assistant_folds import Outcome, code, end_message, end_step, fold, function, message_delta, step_delta, text
from assistants_wire import DONE, frame, run
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncstream.accumulators import AssistantAccumulator
from asyncstream.errors import AsyncStreamError
from asyncstream.events import decode_stream

TRANSCRIPTS = [path.read_bytes() for path in sorted(Path(__file__).parents[2].glob("transcripts/assistants_*.sse"))]


def shown(found: Outcome) -> bytes:
    """Give all that the accumulator shows, as JSON: it can always be written."""
    accumulator = found.accumulator
    snapshots = [accumulator.run, accumulator.thread, accumulator.messages, accumulator.run_steps]
    snapshots += [accumulator.current_message, accumulator.current_run_step]
    encoded = msgspec.json.encode([*snapshots, accumulator.repairs])
    repr(found.changes)
    return encoded


def record(found: Outcome) -> dict[str, Any]:
    return found.as_fixture() | {"repairs": found.repaired, "shown": shown(found)}


# Damage.


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Take a transcript, or two, and flip bytes, or drop, double, swap, join and splice lines and frames."""
    body = draw(st.sampled_from(TRANSCRIPTS))
    for _ in range(draw(st.integers(1, 4))):
        separator = draw(st.sampled_from([b"\n", b"\n\n", b",", b'"', b":", b"{", b"}"]))
        parts = body.split(separator)
        at, other = draw(st.integers(0, len(parts) - 1)), draw(st.integers(0, len(parts) - 1))
        match draw(st.sampled_from(["flip", "drop", "double", "swap", "join", "splice", "insert"])):
            case "flip" if body:
                changed = bytearray(body)
                changed[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
                body = bytes(changed)
            case "drop":
                body = separator.join(parts[:at] + parts[at + 1 :])
            case "double":
                body = separator.join([*parts[:at], parts[at], *parts[at:]])
            case "swap":
                parts[at], parts[other] = parts[other], parts[at]
                body = separator.join(parts)
            case "join":
                body = separator.join([*parts[:at], parts[at] + b"".join(parts[at + 1 : at + 2]), *parts[at + 2 :]])
            case "splice":
                donor = draw(st.sampled_from(TRANSCRIPTS)).split(separator)
                body = separator.join(parts[:at] + donor[len(donor) // 2 :])
            case _:
                odd = draw(
                    st.sampled_from([b"null", b"[]", b'"\\ud83d"', b"1e999", b"\xff", b'"index":-1,', b"{}", b"\r"])
                )
                body = separator.join([*parts[:at], odd, *parts[at:]])
    return body


@given(damaged())
def test_damaged_stream_raises_nothing_but_our_errors_and_can_always_be_shown(body):
    # `fold` lets anything else out.
    found = fold(body)

    assert found.error is None or isinstance(found.error, AsyncStreamError)
    assert found.callbacks.count("end") == 1
    dones = [(type(change), change.snapshot.id) for change in found.changes if type(change).__name__ == "MessageDone"]
    assert len(dones) == len(set(dones))
    shown(found)


@given(damaged(), st.lists(st.integers(0, 8000), max_size=6), st.integers(0, 3))
def test_damaged_stream_gives_the_same_however_it_is_cut(body, cuts, size):
    cuts = sorted(min(cut, len(body)) for cut in cuts)
    chunks = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    if size:
        chunks = [body[at : at + size] for at in range(0, len(body), size)]

    assert record(fold(*chunks)) == record(fold(body))


@given(damaged(), st.data())
def test_stream_cut_short_is_never_whole_without_evidence(body, data):
    found = fold(body[: data.draw(st.integers(0, len(body)))])

    assert (found.outcome == "complete") == (found.error is None and found.accumulator.finished)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-2, 2)
    | st.sampled_from(["", "a", "0", "text", "\ud83d", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "index",
                    "type",
                    "text",
                    "value",
                    "annotations",
                    "refusal",
                    "image_file",
                    "file_id",
                    "function",
                    "name",
                    "arguments",
                    "output",
                    "input",
                    "logs",
                    "outputs",
                    "code_interpreter",
                    "tool_calls",
                    "step_details",
                    "delta",
                    "content",
                    "status",
                    "file_search",
                    "mcp",
                    "telepathy",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
EVENTS = [
    f"thread.{noun}.{word}"
    for noun, words in {
        "message": "created in_progress delta completed incomplete",
        "run": "created requires_action completed",
        "run.step": "created in_progress delta delta completed failed",
    }.items()
    for word in words.split()
]


@settings(max_examples=40)  # making such JSON costs ten times what folding it does
@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(["a", "b"]), JSON, JSON), max_size=8))
def test_any_json_in_known_events_is_folded(said):
    frames = []
    for event, id, first, second in said:
        payload = {"id": id, "status": "s", "content": first, "delta": {"content": first, "step_details": second}}
        payload["step_details"] = {"type": "tool_calls", "tool_calls": second}
        if isinstance(second, list):
            payload["delta"]["step_details"] = {"tool_calls": second}
        frames.append(frame(event, **payload))
    found = fold(*frames)

    assert found.outcome in ("complete", "truncated")
    shown(found)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(EVENTS), JSON), max_size=8))
def test_every_done_follows_its_created_and_fires_once(said):
    found = fold(
        *(frame(event, id="a", content=json_, delta={"content": json_}) for event, json_ in said), run("failed")
    )
    counted: dict[str, int] = {}
    for one in found.callbacks:
        counted[one] = counted.get(one, 0) + 1

    assert counted.get("message_created a", 0) == counted.get("message_done a", 0) <= 1
    assert counted.get("run_step_created a", 0) == counted.get("run_step_done a", 0) <= 1
    assert sum("text_created" in one for one in found.callbacks) == sum("text_done" in one for one in found.callbacks)


# Tearing.

TORN = st.text(st.sampled_from('{}"\\:1x é\U0001f600'), max_size=12)


def tear(value: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(min(cut, len(value)) for cut in cuts), len(value)]
    return [value[start:end] for start, end in pairwise(edges)]


@given(TORN, TORN, st.lists(st.integers(0, 12), max_size=5), st.lists(st.integers(0, 12), max_size=5))
def test_texts_torn_elsewhere_fold_to_the_same(value, other, cuts, other_cuts):
    def told(values: list[str], others: list[str]) -> object:
        found = fold(
            *(message_delta("m", text(piece)) for piece in values),
            *(message_delta("m", {"index": 1, "type": "refusal", "refusal": piece}) for piece in others),
            *(step_delta("s", code(piece, {"index": 0, "type": "logs", "logs": piece}, id="c")) for piece in others),
            *(step_delta("s", {"index": 1, "id": "t", "type": "telepathy", "input": piece}) for piece in values),
            run("completed"),
        )
        return found.accumulator.messages, found.accumulator.run_steps

    assert told(tear(value, cuts), tear(other, other_cuts)) == told([value], [other])


@given(
    st.dictionaries(st.sampled_from(["a", 'b"', "c{"]), JSON.filter(lambda value: "ud83d" not in repr(value))),
    st.data(),
)
def test_arguments_torn_anywhere_fold_to_the_same(value, data):
    written = json.dumps(value, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    pieces = tear(written, data.draw(st.lists(st.integers(0, len(written)), max_size=6)))
    found = fold(
        step_delta("s", function("", name="f", id="c")),
        *(step_delta("s", function(piece)) for piece in pieces),
        *([step_delta("s", function(written))] if len(written) > 1 else []),
    )

    assert found.calls[0]["arguments"] == written


@given(st.text(st.characters(min_codepoint=0x1F600, max_codepoint=0x1F610) | st.just("a"), max_size=8), st.data())
def test_texts_torn_by_utf16_units_fold_to_the_same(value, data):
    units = value.encode("utf-16-le")
    cuts = [2 * cut for cut in data.draw(st.lists(st.integers(0, len(units) // 2), max_size=5))]
    edges = [0, *sorted(cuts), len(units)]
    pieces = [units[start:end].decode("utf-16-le", "surrogatepass") for start, end in pairwise(edges)]
    found = fold(
        *(message_delta("m", text(piece)) for piece in pieces), *(step_delta("s", function(piece)) for piece in pieces)
    )

    assert found.content[0]["value"] == value
    assert found.calls[0]["arguments"] == value


# Order.


@given(st.permutations(range(6)), st.permutations(range(4)))
def test_messages_and_steps_do_not_mind_each_other(order, inner):
    frames = [
        message_delta("m", text("a")),
        message_delta("n", text("b")),
        step_delta("s", function("{", id="c")),
        step_delta("t", function("[", id="d")),
        message_delta("o", text("c")),
        step_delta("u", code("x", id="e")),
    ]
    ends = [end_message("m"), end_message("n"), end_step("s"), end_step("t")]
    found = fold(*(frames[at] for at in order), *(ends[at] for at in inner), run("completed"), DONE)

    assert {m["id"]: m["content"][0]["value"] for m in found.messages} == {"m": "a", "n": "b", "o": "c"}
    assert {s["id"] for s in found.steps} == {"s", "t", "u"}
    assert sum("done" in said for said in found.callbacks) == 12


def test_folding_twice_gives_the_same():
    for body in TRANSCRIPTS:
        assert record(fold(body)) == record(fold(body))


def test_two_accumulators_share_nothing():
    first, second = AssistantAccumulator(), AssistantAccumulator()
    for event in decode_stream(TRANSCRIPTS[0], "assistants"):
        first.push(event)

    assert second.messages == []
    assert second.repairs == []
    assert second.run is None
