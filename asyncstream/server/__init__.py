"""An in-memory server that speaks the Assistants wire on a loopback port: for demos, for users' tests, and for ours.

It is scripted with a `Scenario` and shares no code with the client above the SSE encoder, so that it can contradict it.

    async with serve(Scenario([Turn(Say("Hello."))])) as base_url:
        client = AsyncClient(api_key="any", base_url=base_url)
"""

from asyncstream.server.actions import (
    Action,
    CallFunction,
    Citation,
    Cut,
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
    Segment,
    ShowImage,
    ToolResult,
    Turn,
    UrlCitation,
)
from asyncstream.server.answers import default_turn
from asyncstream.server.app import run_forever, serve
from asyncstream.server.scenario import Fault, Scenario, SeenRequest

__all__ = [
    "Action",
    "CallFunction",
    "Citation",
    "Cut",
    "EmitRaw",
    "EndStep",
    "ErrorEvent",
    "Expire",
    "Fail",
    "Fault",
    "FilePath",
    "Incomplete",
    "Pause",
    "Refuse",
    "RequestApproval",
    "RunCode",
    "Say",
    "Scenario",
    "SearchFiles",
    "SearchResult",
    "SeenRequest",
    "Segment",
    "ShowImage",
    "ToolResult",
    "Turn",
    "UrlCitation",
    "default_turn",
    "run_forever",
    "serve",
]
