"""The chat demo: an answer with two function calls that stream together, their results, and the answer made of them.

Read `show` first: it is what a program does that uses this package. The rest is what the embedded model says, and how
things look.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from asyncstream.accumulators import (
    ContentChanged,
    FinishChanged,
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
from asyncstream.server import CallFunction, Say, Scenario, Segment, Turn, serve
from asyncstream.streaming import ChatStream
from asyncstream.types import ChatCompletion, ChatCompletionMessageToolCall

__all__ = ["show"]

_QUESTION = "Is it warmer in Lisbon or in Oslo right now?"
_DEGREES = {"Lisbon": 24.5, "Oslo": 11.0}


async def get_current_weather(city: str, unit: Literal["celsius", "fahrenheit"]) -> float:
    """Get the temperature in a city right now.

    Args:
        city: The city's name.
        unit: What it is measured in.
    """
    degrees = _DEGREES[city]
    return degrees if unit == "celsius" else degrees * 9 / 5 + 32


async def show(terminal: Terminal, *, delay: float, model: Callable[[Segment], Turn] | None = None) -> None:
    """Stream a question's tool calls and its answer to a terminal.

    Args:
        terminal: Where it is shown.
        delay: Seconds between chunks.
        model: What the embedded model does; by default it looks up two temperatures and compares them.

    Raises:
        CommandFailed: The answer ended before it was whole.
        APIError: A request or a stream failed.
    """
    scenario = Scenario(answer=model or _compare, delay=delay)
    async with serve(scenario) as base_url, AsyncClient(api_key="demo", base_url=base_url) as client:
        _field(terminal, "server", [base_url])
        _field(terminal, "tool", [f"{get_current_weather.__name__}(city, unit)"])
        _field(terminal, "question", [_QUESTION])
        terminal.write("\n")

        transcript = Transcript(terminal)
        async with client.chat.completions.stream(
            model="embedded-model",
            messages=[{"role": "user", "content": _QUESTION}],
            run_tools=[get_current_weather],
            stream_options={"include_usage": True},
        ) as stream:
            await _narrate(stream, transcript)
            completion = await stream.get_final_completion()

        terminal.write("\n")
        _report(terminal, completion, transcript)
    reason = completion.choices[0].finish_reason
    if reason != "stop":
        raise CommandFailed(f"the answer ended with the finish reason {reason!r}")


# What the embedded model does.


def _compare(segment: Segment) -> Turn:
    """Ask for both temperatures at once; when they have come, compare them."""
    if not segment.results:
        return Turn(
            Say("I will look up both."),
            CallFunction("get_current_weather", {"city": "Lisbon", "unit": "celsius"}),
            CallFunction("get_current_weather", {"city": "Oslo", "unit": "celsius"}),
        )
    lisbon, oslo = (float(result.output) for result in segment.results)
    return Turn(
        Say(f"It is {lisbon} °C in Lisbon and {oslo} °C in Oslo,\nso Lisbon is {lisbon - oslo} °C warmer right now.")
    )


# How it looks while it streams.


async def _narrate(stream: ChatStream, transcript: Transcript) -> None:
    """Show what grows: the text, and a line for each call, from its name to its last brace; and what the calls gave."""
    transcript.event("chat.completion.chunk")
    async for change in stream.changes:
        match change:
            case ContentChanged(delta=piece):
                transcript.grow("text", "text", piece)
            case ToolCallCreated(snapshot=call) | ToolCallChanged(snapshot=call):
                _show_call(transcript, call, change.index, "yellow")
            case ToolCallDone(snapshot=call) if transcript.rewrites:
                _show_call(transcript, call, change.index, "green")
            case FinishChanged(delta=reason):
                transcript.note("finish", reason)
            case ToolResultDone(snapshot=result):
                calls = stream.current_completion_snapshot.choices[0].message.tool_calls or []
                transcript.note("answer", f"{_written(calls[result.place])} -> {result.output}", "magenta")
            case RoundDone(stop=None):
                transcript.event("chat.completion.chunk")
            case _:
                pass


def _show_call(transcript: Transcript, call: ChatCompletionMessageToolCall, index: int, style: Style) -> None:
    transcript.change(index, f"call {index}", _written(call), style)


def _written(call: ChatCompletionMessageToolCall) -> str:
    return f"{call.name} {call.arguments}".rstrip()


# How the end looks.

_LABEL_WIDTH = 11


def _report(terminal: Terminal, completion: ChatCompletion, transcript: Transcript) -> None:
    [choice] = completion.choices
    terminal.write(f"{'completion':<{_LABEL_WIDTH}}", "bold")
    terminal.write(f"{completion.id}, {completion.model}, ")
    terminal.write(f"{choice.finish_reason}\n", "green" if choice.finish_reason == "stop" else "red")
    if completion.usage is not None:
        prompt, answer = completion.usage.prompt_tokens, completion.usage.completion_tokens
        _field(terminal, "usage", [f"{prompt} prompt + {answer} completion = {completion.usage.total_tokens} tokens"])
    _field(terminal, "message", (choice.message.content or "").splitlines())
    first = "never" if transcript.first_token is None else f"{transcript.first_token:.3f} s"
    _field(terminal, "time", [f"to first token {first}, to the end {transcript.elapsed:.3f} s"])


def _field(terminal: Terminal, label: str, lines: Sequence[str]) -> None:
    terminal.write(f"{label:<{_LABEL_WIDTH}}", "bold")
    terminal.write(f"\n{' ' * _LABEL_WIDTH}".join(lines or ["none"]) + "\n")
