"""The Assistants demo: a run with text, two function calls that are answered, code with its logs, and more text.

Read `show` first: it is what a program does that uses this package. The rest is what the embedded model says, and how
things look.
"""

from collections.abc import Callable, Iterator, Sequence

from asyncstream.client import AsyncClient
from asyncstream.commands.command import CommandFailed
from asyncstream.commands.terminal import Terminal
from asyncstream.commands.transcript import Transcript
from asyncstream.events import AssistantStreamEvent
from asyncstream.params import AssistantToolParam, ToolOutput
from asyncstream.server import CallFunction, RunCode, Say, Scenario, Segment, Turn, serve
from asyncstream.streaming import AssistantEventHandler
from asyncstream.tools import arguments_for
from asyncstream.types import (
    CodeInterpreterLogs,
    CodeInterpreterOutputLogs,
    CodeInterpreterToolCall,
    CodeInterpreterToolCallDelta,
    FunctionDelta,
    FunctionToolCall,
    FunctionToolCallDelta,
    Message,
    MessageCreationStepDetails,
    Run,
    RunStep,
    Text,
    TextContentBlock,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallsStepDetails,
)

__all__ = ["show"]

_QUESTION = "How much warmer is it in Lisbon than in Oslo right now?"
_DEGREES = {"Lisbon": 24.5, "Oslo": 11.0}

_TOOLS: list[AssistantToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "get_temperature",
            "description": "Get the temperature in a city, in degrees Celsius.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    },
    {"type": "code_interpreter"},
]


def get_temperature(city: str) -> float:
    """The function that the assistant may call."""
    return _DEGREES[city]


async def show(terminal: Terminal, *, delay: float, model: Callable[[Segment], Turn] | None = None) -> None:
    """Stream one run to a terminal.

    Args:
        terminal: Where it is shown.
        delay: Seconds between events.
        model: What the embedded model does; by default it looks up two temperatures and compares them.

    Raises:
        CommandFailed: The run did not complete.
        APIError: A request or the stream failed.
    """
    scenario = Scenario(answer=model or _compare, delay=delay)
    async with serve(scenario) as base_url, AsyncClient(api_key="demo", base_url=base_url) as client:
        assistant = await client.assistants.create(model="embedded-model", tools=_TOOLS)
        thread = await client.threads.create(messages=[{"role": "user", "content": _QUESTION}])

        _field(terminal, "server", [base_url])
        _field(terminal, "assistant", [f"{assistant.id}, with get_temperature and code_interpreter"])
        _field(terminal, "question", [_QUESTION])
        terminal.write("\n")

        transcript = Transcript(terminal)
        handler = _Narrator(transcript)
        async with client.threads.runs.stream(thread.id, assistant_id=assistant.id, event_handler=handler) as stream:
            async for event in stream:
                if event.event == "thread.run.requires_action":
                    await stream.submit_tool_outputs(_answer(event.data, transcript))
            run = await stream.get_final_run()
            steps = await stream.get_final_run_steps()
            messages = await stream.get_final_messages()

        terminal.write("\n")
        _report(terminal, run, steps, messages)
        _report_times(terminal, transcript)
    if run.status != "completed":
        why = f": {run.last_error.message}" if run.last_error is not None else ""
        raise CommandFailed(f"the run ended as {run.status!r}{why}")


def _answer(run: Run, transcript: Transcript) -> list[ToolOutput]:
    """Call the functions that the run asks for."""
    outputs: list[ToolOutput] = []
    for call in run.pending_tool_calls:
        output = str(get_temperature(**arguments_for(get_temperature, call)))
        transcript.note("answer", f"{call.name} {call.arguments} -> {output}", "magenta")
        outputs.append({"tool_call_id": call.id, "output": output})
    return outputs


# What the embedded model does.


def _compare(segment: Segment) -> Turn:
    """Ask for both temperatures; when they have come, compute the difference from them and say it."""
    if not segment.results:
        return Turn(
            Say("I will look up both temperatures and compare them."),
            CallFunction("get_temperature", {"city": "Lisbon"}),
            CallFunction("get_temperature", {"city": "Oslo"}),
        )
    lisbon, oslo = (float(result.output) for result in segment.results)
    difference, mean = lisbon - oslo, (lisbon + oslo) / 2
    code = f"lisbon, oslo = {lisbon}, {oslo}\nprint('difference:', lisbon - oslo)\nprint('mean:', (lisbon + oslo) / 2)"
    return Turn(
        RunCode(code, logs=f"difference: {difference}\nmean: {mean}\n"),
        Say(f"It is {lisbon} °C in Lisbon and {oslo} °C in Oslo,\nso Lisbon is {difference} °C warmer right now."),
    )


# How it looks while it streams.


class _Narrator(AssistantEventHandler):
    """Shows the events, and what grows."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript

    async def on_event(self, event: AssistantStreamEvent) -> None:
        self._transcript.event(event.name if event.event == "unknown" else event.event)

    async def on_text_delta(self, delta: TextDelta, snapshot: Text) -> None:
        self._transcript.grow("text", "text", delta.value or "")

    async def on_tool_call_created(self, tool_call: ToolCall) -> None:
        if isinstance(tool_call, FunctionToolCall):
            self._transcript.grow(tool_call.id, "call", f"{tool_call.function.name} ", "yellow")

    async def on_tool_call_delta(self, delta: ToolCallDelta, snapshot: ToolCall) -> None:
        match delta, snapshot:
            case FunctionToolCallDelta(function=FunctionDelta(arguments=str(piece))), FunctionToolCall(id=id):
                self._transcript.grow(id, "call", piece, "yellow")
            case CodeInterpreterToolCallDelta(code_interpreter=code), CodeInterpreterToolCall(id=id) if code:
                if code.input:
                    self._transcript.grow((id, "input"), "code", code.input, "cyan")
                for output in code.outputs or ():
                    if isinstance(output, CodeInterpreterLogs) and output.logs:
                        self._transcript.grow((id, "logs", output.index), "logs", output.logs, "green")


# How the end looks.

_LABEL_WIDTH = 11


def _report(terminal: Terminal, run: Run, steps: Sequence[RunStep], messages: Sequence[Message]) -> None:
    terminal.write(f"{'run':<{_LABEL_WIDTH}}", "bold")
    terminal.write(f"{run.id}, {run.model}, ")
    terminal.write(f"{run.status}\n", "green" if run.status == "completed" else "red")
    if run.usage is not None:
        prompt, completion = run.usage.prompt_tokens, run.usage.completion_tokens
        _field(terminal, "usage", [f"{prompt} prompt + {completion} completion = {run.usage.total_tokens} tokens"])
    _field(terminal, "steps", [line for step in steps for line in _step_lines(step)])
    _field(terminal, "messages", [line for message in messages for line in _message_lines(message)])


def _report_times(terminal: Terminal, transcript: Transcript) -> None:
    counts = sorted(transcript.counts.items(), key=lambda item: -item[1])
    deltas = " and ".join(f"{count} {name}" for name, count in counts if name.endswith(".delta"))
    _field(terminal, "events", [f"{transcript.counts.total()}, among them {deltas}"])
    first = "never" if transcript.first_token is None else f"{transcript.first_token:.3f} s"
    _field(terminal, "time", [f"to first token {first}, to the end {transcript.elapsed:.3f} s"])


def _step_lines(step: RunStep) -> Iterator[str]:
    yield f"{step.id}, {step.type}, {step.status}"
    match step.step_details:
        case ToolCallsStepDetails(tool_calls=calls):
            for call in calls:
                yield f"  {_call_line(call)}"
        case MessageCreationStepDetails(message_creation=creation):
            yield f"  {creation.message_id}"


def _call_line(call: ToolCall) -> str:
    match call:
        case FunctionToolCall(function=function):
            return f"{function.name} {function.arguments} -> {function.output}"
        case CodeInterpreterToolCall(code_interpreter=code):
            logs = [output.logs for output in code.outputs if isinstance(output, CodeInterpreterOutputLogs)]
            printed = ", ".join("".join(logs).splitlines())
            return f"code_interpreter, {len(code.input.splitlines())} lines -> {printed}"
        case _:
            return call.type


def _message_lines(message: Message) -> Iterator[str]:
    yield f"{message.id}, {message.role}, {message.status}"
    for part in message.content:
        if isinstance(part, TextContentBlock):
            for line in part.text.value.splitlines():
                yield f"  {line}"


def _field(terminal: Terminal, label: str, lines: Sequence[str]) -> None:
    terminal.write(f"{label:<{_LABEL_WIDTH}}", "bold")
    terminal.write(f"\n{' ' * _LABEL_WIDTH}".join(lines or ["none"]) + "\n")
