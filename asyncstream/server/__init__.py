"""An in-memory server on a loopback port for Assistants, chat and Responses: for demos, users' tests, and ours.

It is scripted with a `Scenario` and shares no code with the client above the SSE encoder, so that it can contradict it.

    async with serve(Scenario([Turn(Say("Hello."))])) as base_url:
        client = AsyncClient(api_key="any", base_url=base_url)

A service that must stand bad servers meets them with a dialect: ``Scenario(dialect=ChatDialect(call_index="reused"))``,
``Scenario(responses_dialect=RESPONSES_DIALECTS["copilot"])``.
"""

from asyncstream.server.actions import (
    Action,
    CallCustom,
    CallFunction,
    CallMCP,
    Citation,
    Cut,
    DrawImage,
    EmitRaw,
    EndStep,
    ErrorEvent,
    Expire,
    Fail,
    FilePath,
    Incomplete,
    Pause,
    Refuse,
    RequestApproval,
    RunCode,
    Say,
    SearchFiles,
    SearchResult,
    SearchWeb,
    Segment,
    ShowImage,
    Think,
    ToolResult,
    Turn,
    UrlCitation,
)
from asyncstream.server.answers import default_turn
from asyncstream.server.app import run_forever, serve
from asyncstream.server.dialects import DIALECTS, ChatDialect
from asyncstream.server.outcomes import FileOutcome
from asyncstream.server.responses_dialects import RESPONSES_DIALECTS, ResponsesDialect
from asyncstream.server.scenario import Fault, Scenario, SeenRequest

__all__ = [
    "DIALECTS",
    "RESPONSES_DIALECTS",
    "Action",
    "CallCustom",
    "CallFunction",
    "CallMCP",
    "ChatDialect",
    "Citation",
    "Cut",
    "DrawImage",
    "EmitRaw",
    "EndStep",
    "ErrorEvent",
    "Expire",
    "Fail",
    "Fault",
    "FileOutcome",
    "FilePath",
    "Incomplete",
    "Pause",
    "Refuse",
    "RequestApproval",
    "ResponsesDialect",
    "RunCode",
    "Say",
    "Scenario",
    "SearchFiles",
    "SearchResult",
    "SearchWeb",
    "SeenRequest",
    "Segment",
    "ShowImage",
    "Think",
    "ToolResult",
    "Turn",
    "UrlCitation",
    "default_turn",
    "run_forever",
    "serve",
]
