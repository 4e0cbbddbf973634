"""What the embedded model says when nothing is scripted: a deterministic turn made from the question and the tools.

Pure: the same segment gives the same turn. Used by `scenario` as the default of `Scenario(answer=...)`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from asyncstream.server.actions import Action, CallFunction, Incomplete, RunCode, Say, Segment, Turn

__all__ = ["default_turn", "sample_arguments"]

# A schema may refer to itself; what lies deeper than this is left empty.
_MAX_DEPTH = 6


def default_turn(segment: Segment) -> Turn:
    """Return the turn that a helpful, rather literal model would take.

    The first segment runs a code step if there is a code interpreter, then calls the first function (or the one that
    `tool_choice` names). A segment with outputs, and one without functions, answers with a sentence that quotes them.
    """
    tool_choice = segment.run.get("tool_choice", "auto")
    actions: list[Action] = []
    if not segment.results and tool_choice != "none":
        if any(tool.get("type") == "code_interpreter" for tool in segment.tools):
            actions.append(_count_words(segment.question))
        function = _chosen_function(segment.tools, tool_choice)
        if function is not None:
            arguments = sample_arguments(function.get("parameters"), segment.question)
            return Turn(*actions, CallFunction(str(function["name"]), arguments))
    return Turn(*actions, *_answer(segment))


def sample_arguments(schema: object, question: str) -> dict[str, object]:
    """Make arguments that fit a JSON schema, with the question's words and numbers where strings and numbers go."""
    sampler = _Sampler(schema, question)
    sample = sampler.sample(schema, depth=0)
    return sample if isinstance(sample, dict) else {}


def _answer(segment: Segment) -> Iterator[Action]:
    quoted = f'You asked: "{segment.question}"' if segment.question else "You asked nothing"
    if segment.results:
        said = "; ".join(f"{result.name} returned {result.output}" for result in segment.results)
        text = f"{quoted}. I looked it up: {said}."
    else:
        text = f"{quoted}. This is the embedded server's answer."
    limit = segment.run.get("max_completion_tokens")
    words = re.findall(r"\s*\S+", text)
    if isinstance(limit, int) and len(words) > limit:
        yield Say("".join(words[:limit]))
        yield Incomplete("max_completion_tokens")
    else:
        yield Say(text)


def _count_words(question: str) -> RunCode:
    return RunCode(f"question = {question!r}\nprint(len(question.split()))", logs=f"{len(question.split())}\n")


def _chosen_function(tools: Sequence[Mapping[str, Any]], tool_choice: object) -> Mapping[str, Any] | None:
    named = tool_choice.get("function", {}).get("name") if isinstance(tool_choice, Mapping) else None
    for tool in tools:
        if tool.get("type") == "function" and named in (None, tool["function"]["name"]):
            function: Mapping[str, Any] = tool["function"]
            return function
    return None


class _Sampler:
    """Draws one value for each schema; string parameters get one word of the question each, names first."""

    def __init__(self, root: object, question: str) -> None:
        self._root = root
        words = re.findall(r"[^\W\d_][\w'-]*", question)
        # A capital inside the sentence is a name, and names are what functions ask for.
        names = [word for word in words[1:] if word[0].isupper() and word != "I"]
        self._words = iter(dict.fromkeys(names + sorted(words, key=len, reverse=True)))
        self._numbers = iter([int(digits) for digits in re.findall(r"\d{1,15}", question)])
        self._unnamed = count(1)

    def sample(self, schema: object, depth: int) -> object:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return schema["enum"][0]
        if "default" in schema:
            return schema["default"]
        for key in ("anyOf", "oneOf", "allOf"):
            options = [option for option in schema.get(key, ()) if self._resolved(option).get("type") != "null"]
            if options:
                return self.sample(options[0], depth + 1) if depth < _MAX_DEPTH else None
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        match kind:
            case "object":
                properties = schema.get("properties", {}) if depth < _MAX_DEPTH else {}
                return {name: self.sample(part, depth + 1) for name, part in properties.items()}
            case "array":
                return [self.sample(schema.get("items", {}), depth + 1)] if depth < _MAX_DEPTH else []
            case "integer" | "number":
                return self._number(schema)
            case "boolean":
                return True
            case "string":
                return next(self._words, None) or f"value {next(self._unnamed)}"
            case _:
                return None

    def _number(self, schema: Mapping[str, Any]) -> int | float:
        number: int | float = next(self._numbers, 1)
        if isinstance(low := schema.get("minimum"), int | float):
            number = max(number, low)
        if isinstance(high := schema.get("maximum"), int | float):
            number = min(number, high)
        return number

    def _resolved(self, schema: object) -> Mapping[str, Any]:
        for _ in range(_MAX_DEPTH):
            if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
                break
            target: object = self._root
            for key in schema["$ref"].removeprefix("#").strip("/").split("/"):
                target = target.get(key) if isinstance(target, Mapping) and key else target
            schema = target
        return schema if isinstance(schema, Mapping) else {}
