"""The demo of Responses: a response that thinks, searches and calls, and the one that is made of what the call gave.

Read `show` first: it is what a program does that uses this package. The rest is what the embedded model says, and how
things look.
"""

from collections.abc import Callable, Hashable, Sequence

from asyncstream.accumulators import (
    ContentChanged,
    ReasoningChanged,
    ResponseChanged,
    RoundDone,
    ToolCallChanged,
    ToolCallCreated,
    ToolCallDone,
    ToolResultDone,
)
from asyncstream.client import AsyncClient
from asyncstream.commands.command import CommandFailed
from asyncstream.commands.terminal import Style, Terminal
from asyncstream.commands.transcript import Transcript
from asyncstream.server import CallFunction, Say, Scenario, SearchWeb, Segment, Think, Turn, serve
from asyncstream.streaming import ResponseStream
from asyncstream.types import Response, ResponseFunctionToolCall, ResponseFunctionWebSearch

__all__ = ["show"]

_QUESTION = "What does a coffee at the top of the Eiffel Tower weigh?"
_GRAMS_PER_ML = 0.98


async def weigh(millilitres: int) -> float:
    """Weigh some coffee, in grams."""
    return millilitres * _GRAMS_PER_ML


async def show(terminal: Terminal, *, delay: float, model: Callable[[Segment], Turn] | None = None) -> None:
    """Stream a question's reasoning, search, call and answer to a terminal.

    Args:
        terminal: Where it is shown.
        delay: Seconds between events.
        model: What the embedded model does; by default it searches, weighs and tells.

    Raises:
        CommandFailed: The response ended before it was whole.
        APIError: A request or a stream failed.
    """
    scenario = Scenario(answer=model or _look_and_weigh, delay=delay)
    async with serve(scenario) as base_url, AsyncClient(api_key="demo", base_url=base_url) as client:
        _field(terminal, "server", [base_url])
        _field(terminal, "tool", [f"{weigh.__name__}(millilitres)"])
        _field(terminal, "question", [_QUESTION])
        terminal.write("\n")

        transcript = Transcript(terminal)
        async with client.responses.stream(
            model="embedded-model", input=_QUESTION, tools=[{"type": "web_search"}], run_tools=[weigh]
        ) as stream:
            await _narrate(stream, transcript)
            response = await stream.get_final_response()

        terminal.write("\n")
        _report(terminal, response, len(stream.rounds), transcript)
    if response.status != "completed":
        raise CommandFailed(f"the response ended with the status {response.status!r}")


# What the embedded model does.


def _look_and_weigh(segment: Segment) -> Turn:
    """Search and ask for the weight; when it has come, tell it."""
    if not segment.results:
        return Turn(
            Think("A coffee up there is an espresso.\nHow much is that?"),
            SearchWeb("espresso millilitres"),
            CallFunction("weigh", {"millilitres": 30}),
        )
    return Turn(Say(f"An espresso of 30 ml weighs about {segment.results[0].output} g,\nup there as down here."))


# How it looks while it streams.


async def _narrate(stream: ResponseStream, transcript: Transcript) -> None:
    """Show what grows: thoughts, text, and a line for each call; and what the calls gave."""
    transcript.event("response")
    async for change in stream.changes:
        match change:
            case ReasoningChanged(delta=piece):
                transcript.grow("thought", "thought", piece, "dim")
            case ContentChanged(delta=piece):
                transcript.grow("text", "text", piece)
            case ToolCallCreated(snapshot=call) | ToolCallChanged(snapshot=call):
                _show_call(transcript, call, change.parent, "yellow")
            case ToolCallDone(snapshot=call) if transcript.rewrites:
                _show_call(transcript, call, change.parent, "green")
            case ResponseChanged(status=status) if status != "in_progress":
                transcript.note("status", status)
            case ToolResultDone(snapshot=result):
                transcript.note("answer", f"{result.name} -> {result.output}", "magenta")
            case RoundDone(stop=None):
                transcript.event("response")
            case _:
                pass


def _show_call(transcript: Transcript, call: object, key: Hashable, style: Style) -> None:
    match call:
        case ResponseFunctionToolCall(name=name, arguments=text):
            transcript.change(key, "call", f"{name} {text}".rstrip(), style)
        case ResponseFunctionWebSearch(status=str(status)):
            transcript.change(key, "search", status, style)
        case _:
            pass


# How the end looks.

_LABEL_WIDTH = 11


def _report(terminal: Terminal, response: Response, requests: int, transcript: Transcript) -> None:
    terminal.write(f"{'response':<{_LABEL_WIDTH}}", "bold")
    terminal.write(f"{response.id}, {response.model}, ")
    terminal.write(f"{response.status}\n", "green" if response.status == "completed" else "red")
    if response.usage is not None:
        usage = response.usage
        _field(
            terminal, "usage", [f"{usage.input_tokens} in + {usage.output_tokens} out = {usage.total_tokens} tokens"]
        )
    _field(terminal, "message", response.output_text.splitlines())
    first = "never" if transcript.first_token is None else f"{transcript.first_token:.3f} s"
    _field(
        terminal,
        "time",
        [f"to first token {first}, to the end {transcript.elapsed:.3f} s, {requests} requests"],
    )


def _field(terminal: Terminal, label: str, lines: Sequence[str]) -> None:
    terminal.write(f"{label:<{_LABEL_WIDTH}}", "bold")
    terminal.write(f"\n{' ' * _LABEL_WIDTH}".join(lines or ["none"]) + "\n")
