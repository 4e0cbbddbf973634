"""The endpoints of run steps."""

from aiohttp import web

from asyncstream.server.assistants.objects import shown_step
from asyncstream.server.calls import Call, Route, json_reply

__all__ = ["FILE_SEARCH_CONTENTS", "ROUTES"]

FILE_SEARCH_CONTENTS = "step_details.tool_calls[*].file_search.results[*].content"
"""The `include` that shows the text of file search results."""


async def _list(call: Call) -> web.StreamResponse:
    steps = call.store.thread(call.id("thread_id")).run(call.id("run_id")).steps.values()
    with_contents = call.includes(FILE_SEARCH_CONTENTS)
    return call.page(shown_step(step, with_contents=with_contents) for step in steps)


async def _retrieve(call: Call) -> web.StreamResponse:
    step = call.store.thread(call.id("thread_id")).run(call.id("run_id")).step(call.id("step_id"))
    return json_reply(shown_step(step, with_contents=call.includes(FILE_SEARCH_CONTENTS)))


ROUTES: tuple[Route, ...] = (
    ("GET", "/threads/{thread_id}/runs/{run_id}/steps", _list),
    ("GET", "/threads/{thread_id}/runs/{run_id}/steps/{step_id}", _retrieve),
)
