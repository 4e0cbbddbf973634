"""What the embedded model says when nothing is scripted: a deterministic turn made from the question and the tools.

Pure: the same segment gives the same turn. Used by `scenario` as the default of `Scenario(answer=...)`, for runs, chat
and Responses; the tools and formats of Responses are flat. What it writes where a schema asks for it comes from
`samples`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from asyncstream.server.actions import Action, CallCustom, CallFunction, Incomplete, RunCode, Say, Segment, Turn
from asyncstream.server.pieces import tokens, words
from asyncstream.server.samples import sample_arguments, sample_value

__all__ = ["default_turn"]


def default_turn(segment: Segment) -> Turn:
    """Return the turn that a helpful, rather literal model would take.

    The first segment runs a code step if there is a code interpreter, then calls the first function (or the one that
    `tool_choice` names). A segment with outputs, and one without functions, answers with a sentence that quotes them;
    with JSON, if `response_format` asks for it.
    """
    tool_choice = segment.run.get("tool_choice", "auto")
    actions: list[Action] = []
    if not segment.results and tool_choice != "none":
        if any(tool.get("type") == "code_interpreter" for tool in segment.tools):
            actions.append(_count_words(segment.question))
        call = _call(segment.tools, tool_choice, segment.question)
        if call is not None:
            return Turn(*actions, call)
    return Turn(*actions, *_answer(segment))


def _answer(segment: Segment) -> Iterator[Action]:
    pieces = _json_answer(segment) or words(_sentence(segment))
    limits = (segment.run.get(key) for key in ("max_completion_tokens", "max_tokens", "max_output_tokens"))
    limit = next((one for one in limits if one), None)
    allowed = pieces[:limit] if isinstance(limit, int) else pieces
    yield Say("".join(allowed), allowed)
    if isinstance(limit, int) and len(pieces) > limit:
        yield Incomplete("max_completion_tokens")


def _sentence(segment: Segment) -> str:
    quoted = f'You asked: "{segment.question}"' if segment.question else "You asked nothing"
    if segment.results:
        results = "; ".join(f"{result.name} returned {result.output}" for result in segment.results)
        return f"{quoted}. I looked it up: {results}."
    return f"{quoted}. This is the embedded server's answer."


def _json_answer(segment: Segment) -> list[str] | None:
    """Return an answer that fits the `response_format`; None if it asks for no JSON."""
    match segment.run:
        case {"response_format": form} | {"text": {"format": form}}:
            pass
        case _:
            return None
    match form:
        case {"type": "json_schema", "json_schema": {"schema": schema}} | {"type": "json_schema", "schema": schema}:
            value = sample_value(schema, segment.question)
        case {"type": "json_object"}:
            value = {"answer": _sentence(segment)}
        case _:
            return None
    return tokens(msgspec.json.encode(value).decode())


def _count_words(question: str) -> RunCode:
    return RunCode(f"question = {question!r}\nprint(len(question.split()))", logs=f"{len(question.split())}\n")


def _call(tools: Sequence[Mapping[str, Any]], tool_choice: object, question: str) -> CallFunction | CallCustom | None:
    """Return a call of the first tool that the user answers for, or of one that `tool_choice` names."""
    names = _chosen(tool_choice)
    for tool in tools:
        match tool:
            case {"type": "function", "function": {"name": name, **rest}} if names is None or name in names:
                return CallFunction(name, sample_arguments(rest.get("parameters"), question))
            case {"type": "custom", "custom": {"name": name}} if names is None or name in names:
                return CallCustom(name, question)
            case {"type": "function", "name": str(name), **rest} if names is None or name in names:
                return CallFunction(name, sample_arguments(rest.get("parameters"), question))
            case {"type": "custom", "name": str(name)} if names is None or name in names:
                return CallCustom(name, question)
    return None


def _chosen(tool_choice: object) -> list[object] | None:
    """Return the names that a `tool_choice` allows; None for all."""
    match tool_choice:
        case {"function": {"name": name}} | {"custom": {"name": name}}:
            return [name]
        case {"type": "function" | "custom", "name": name}:
            return [name]
        case {"allowed_tools": {"tools": [*tools]}} | {"type": "allowed_tools", "tools": [*tools]}:
            return [name for tool in tools for name in _chosen(tool) or ()]
        case _:
            return None
