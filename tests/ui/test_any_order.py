"""Whatever a server says in whatever order, and whatever tools do: a page is told what it can read, to an end.

Start before delta before end, each call one input and at most one output, an end for every start, nothing after the
end: the rules are those of `page_rules`. For chat without tools that run, see `test_ui_messages`.
"""

import asyncio
from typing import Any, NamedTuple

import assistants_wire as runs
import responses_wire as responses
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_talks import ANSWER, asks, talk
from page_rules import check_events, check_parts, shown_end
from projected import changes_of, told

from asyncstream import AssistantAccumulator, Later, Refused, Tool, ToolContext, ToolFailed, Tools
from asyncstream.errors import AsyncStreamError
from asyncstream.relay import sse_frames
from asyncstream.ui import AGUI, UIMessages


def check_both(changes: list[Any], error: AsyncStreamError | None) -> None:
    """Check what both projections make of changes, and of the error that came behind them."""
    pages: list[Any] = [UIMessages(), AGUI()]
    for page, check in zip(pages, (check_parts, check_events), strict=True):
        parts = told(page, changes) if error is None else [part for one in changes for part in page.push(one)]
        last = check(parts if error is None else parts + page.fail(error))
        if error is not None:
            assert last in ("error", "RUN_ERROR", "abort") or "cancelled" in str(parts[-1])


def check_bodies(protocol: Any, *bodies: bytes) -> None:
    """Check an answer, and what comes of a run that is gone on with."""
    changes: list[Any] = []
    accumulator = AssistantAccumulator() if protocol == "assistants" else None
    try:
        for number, body in enumerate(bodies):
            if number and accumulator is not None:
                accumulator.resume()
            changes.extend(changes_of(body, protocol, into=accumulator))
    except AsyncStreamError as error:
        check_both(changes, error)
    else:
        check_both(changes, None)


# Assistants.

WORDS = st.text(max_size=3)
STEPS = st.sampled_from(["step_1", "step_2"])
IDS = st.sampled_from(["msg_1", "msg_2"])


def step_with(step_id: str, word: str, kind: str, calls: list[dict[str, Any]]) -> bytes:
    details: dict[str, Any] = {"type": kind}
    details |= {"tool_calls": calls} if kind == "tool_calls" else {"message_creation": {"message_id": "msg_1"}}
    status = "in_progress" if word == "created" else word
    members = {"run_id": "run_1", "type": kind, "status": status, "step_details": details}
    return runs.frame(f"thread.run.step.{word}", id=step_id, **members)


def step_delta(step_id: str, *calls: dict[str, Any]) -> bytes:
    details = {"type": "tool_calls", "tool_calls": [*calls]}
    return runs.frame("thread.run.step.delta", id=step_id, delta={"step_details": details})


RUN_CALLS = st.one_of(
    st.builds(
        lambda index, id, name, piece, output: {
            "index": index,
            "type": "function",
            **({} if id is None else {"id": id}),
            "function": {
                "arguments": piece,
                **({} if name is None else {"name": name}),
                **({} if output is None else {"output": output}),
            },
        },
        st.integers(0, 2),
        st.sampled_from([None, "call_1", "call_2"]),
        st.sampled_from([None, "f", "g"]),
        st.sampled_from(["", "{", "}", "{}", '"a":1']),
        st.sampled_from([None, None, "sunny"]),
    ),
    st.builds(
        lambda index, piece, logs: {
            "index": index,
            "id": f"call_ci{index}",
            "type": "code_interpreter",
            "code_interpreter": {
                "input": piece,
                "outputs": [{"index": 0, "type": "logs", "logs": logs}] if logs else [],
            },
        },
        st.integers(0, 1),
        WORDS,
        WORDS,
    ),
    st.builds(
        lambda index: {"index": index, "id": f"call_fs{index}", "type": "file_search", "file_search": {}},
        st.integers(0, 1),
    ),
)
KINDS = st.sampled_from(["tool_calls", "message_creation"])
RUN_PIECES = st.one_of(
    st.sampled_from(["queued", "in_progress", "cancelling"]).map(runs.run),
    st.builds(step_with, STEPS, st.sampled_from(["created", "in_progress"]), KINDS, st.just([])),
    st.builds(
        step_with, STEPS, st.sampled_from(["completed", "failed", "cancelled"]), KINDS, st.lists(RUN_CALLS, max_size=2)
    ),
    st.builds(step_delta, STEPS, RUN_CALLS),
    st.builds(step_delta, STEPS, RUN_CALLS, RUN_CALLS),
    st.builds(runs.message, st.sampled_from(["created", "in_progress", "completed", "incomplete"]), IDS, WORDS),
    st.builds(runs.text, WORDS, IDS, st.integers(0, 1)),
)
LAST = st.sampled_from(["completed", "failed", "cancelled", "expired", "incomplete", "requires_action", None])


@given(frames=st.lists(RUN_PIECES, max_size=14), last=LAST, then=st.none() | st.lists(RUN_PIECES, max_size=8))
def test_whatever_a_run_says_in_whatever_order(frames: list[bytes], last: str | None, then: list[bytes] | None) -> None:
    def body(pieces: list[bytes], end: str | None) -> bytes:
        ends = [] if end is None else [runs.WAITS[-1] if end == "requires_action" else runs.run(end), runs.DONE]
        return b"".join([*pieces, *ends])

    first = body([runs.run("created"), *frames], last)
    if then is not None and last == "requires_action":
        check_bodies("assistants", first, body(then, "completed"))
    else:
        check_bodies("assistants", first)


# Responses.

ITEMS: list[dict[str, Any]] = [
    responses.message("Hello"),
    responses.call("1", "f", '{"a": 1}'),
    responses.call("2", "f", "{half"),
    responses.custom_call("3"),
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "x"},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"type": "code_interpreter_call", "id": "ci_1", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]},
    {"type": "file_search_call", "id": "fs_1", "queries": ["q"], "results": [{"file_id": "f"}]},
    {"type": "mcp_call", "id": "mcp_1", "name": "add", "arguments": "{}", "error": "no such server"},
    {"type": "mcp_approval_request", "id": "ask_1", "name": "add", "arguments": "{}", "server_label": "s"},
    {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGk="},
    {"type": "nobody_knows", "id": "odd_1"},
]
PLACES = st.integers(0, 2)
OF_ITEMS = st.sampled_from(ITEMS)


def grown(name: str, index: int, item: dict[str, Any], **members: Any) -> bytes:
    return responses.event(name, output_index=index, item_id=item["id"], **members)


RESPONSE_PIECES = st.one_of(
    st.builds(
        lambda index, item: responses.event("output_item.added", output_index=index, item=item), PLACES, OF_ITEMS
    ),
    st.builds(lambda index, item: responses.event("output_item.done", output_index=index, item=item), PLACES, OF_ITEMS),
    st.builds(
        lambda name, index, item, words: grown(name, index, item, content_index=0, delta=words),
        st.sampled_from(["output_text.delta", "refusal.delta", "reasoning_text.delta"]),
        PLACES,
        OF_ITEMS,
        WORDS,
    ),
    st.builds(
        lambda name, index, item, words: grown(name, index, item, content_index=0, text=words),
        st.sampled_from(["output_text.done", "reasoning_text.done"]),
        PLACES,
        OF_ITEMS,
        WORDS,
    ),
    st.builds(
        lambda index, item, words: grown("reasoning_summary_text.delta", index, item, summary_index=0, delta=words),
        PLACES,
        OF_ITEMS,
        WORDS,
    ),
    st.builds(
        lambda name, index, item, words: grown(name, index, item, delta=words),
        st.sampled_from(
            [
                "function_call_arguments.delta",
                "custom_tool_call_input.delta",
                "mcp_call_arguments.delta",
                "code_interpreter_call_code.delta",
            ]
        ),
        PLACES,
        OF_ITEMS,
        st.sampled_from(["", "{", "}", "{}", '"a":1']),
    ),
    st.builds(
        lambda index, item, words: grown("function_call_arguments.done", index, item, arguments=words),
        PLACES,
        OF_ITEMS,
        st.sampled_from(["", "{}", "{half"]),
    ),
    st.builds(
        lambda name, index, item: grown(name, index, item),
        st.sampled_from(["web_search_call.searching", "code_interpreter_call.completed", "mcp_call.failed"]),
        PLACES,
        OF_ITEMS,
    ),
)


@given(
    frames=st.lists(RESPONSE_PIECES, max_size=14),
    last=st.sampled_from(["completed", "failed", "incomplete", "cancelled", None]),
    kept=st.lists(OF_ITEMS, max_size=3),
)
def test_whatever_a_response_says_in_whatever_order(
    frames: list[bytes], last: str | None, kept: list[dict[str, Any]]
) -> None:
    begin = responses.event("created", response=responses.response("in_progress"))
    end = [] if last is None else [responses.event(last, response=responses.response(last, *kept))]

    check_bodies("responses", b"".join([begin, *frames, *end]))


# Tools that run.


async def returns(x: int = 0) -> dict[str, int]:
    return {"x": x}


async def reports(context: ToolContext[None], x: int = 0) -> str:
    context.report({"half": x})
    await asyncio.sleep(0)
    context.report({"more": x})
    return "whole"


async def fails(x: int = 0) -> str:
    raise ToolFailed("no such thing")


async def raises(x: int = 0) -> str:
    raise ZeroDivisionError


async def never(x: int = 0) -> str:
    raise AssertionError("it must not run")


async def decide(asked: Any) -> Any:
    return {"waits": Later(), "denied": Refused("no"), "allowed": True}[asked.name]


TOOLS = [
    Tool(returns),
    Tool(reports),
    Tool(fails),
    Tool(raises),
    Tool(returns, name="secret", private=True),
    Tool(returns, name="allowed", approve=True),
    Tool(never, name="denied", approve=True),
    Tool(never, name="waits", approve=True),
]
NAMES = st.sampled_from([*(tool.name for tool in TOOLS), "unknown"])
CALLED = st.lists(
    st.tuples(NAMES, st.sampled_from(['{"x": 1}', "{}", "{half", '{"x": "one"}'])), min_size=1, max_size=4
)


class Loop(NamedTuple):
    """What a model says in each round, and what breaks."""

    protocol: str
    rounds: list[list[tuple[str, str]]]
    cut: int | None
    """Before which event the last answer breaks off; None for never."""
    on_error: Any

    @property
    def answers(self) -> list[list[bytes]]:
        if self.protocol == "chat":
            said = [asks(*calls) for calls in self.rounds]
            return [*said, ANSWER[: self.cut]]
        said = [
            responses.answer(
                *(responses.call(str(place), *called) for place, called in enumerate(calls)), id=f"resp_{n}"
            )
            for n, calls in enumerate(self.rounds)
        ]
        return [*said, responses.hello("resp_last")[: self.cut]]


async def relayed(loop: Loop, view: Any) -> tuple[str, bool]:
    """Relay a loop; return how it ended on the page, and whether it failed."""
    async with talk(*loop.answers) as model:
        tools: Any = Tools(*TOOLS, approve=decide, on_error=loop.on_error)
        stream: Any = (
            model.open(tools)
            if loop.protocol == "chat"
            else model.client.responses.stream(model="m", input="Hi", run_tools=tools)
        )
        body = b"".join([data async for data in sse_frames(stream, view=view)])
        try:
            await stream.get_final()
        except (AsyncStreamError, ZeroDivisionError):
            return shown_end(view, body), True
        return shown_end(view, body), False


@settings(max_examples=50)
@given(
    loop=st.builds(
        Loop,
        st.sampled_from(["chat", "responses"]),
        st.lists(CALLED, min_size=1, max_size=3),
        st.none() | st.integers(0, 3),
        st.sampled_from(["tell", "raise"]),
    ),
    view=st.sampled_from(["ui-messages", "ag-ui"]),
)
def test_whatever_tools_do_in_whatever_round(loop: Loop, view: Any) -> None:
    shown, failed = asyncio.run(relayed(loop, view))

    assert ("error" if failed else "finish") == shown
