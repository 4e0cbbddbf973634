"""Tools and answers from the user's own types: a function as a tool, a type as a response format. Pure.

Below it: `signatures` and `docstrings`, which read the function; `schemas`, which makes the schemas. The way back, from
what the model wrote to a typed value, is on the messages and calls themselves (`message.parse`, `call.arguments_as`),
and for a function's arguments here. What a call is, `calls` says: nothing here knows a protocol.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
from msgspec import Struct

from asyncstream.errors import ConfigurationError
from asyncstream.params.shared import FunctionDefinitionParam, FunctionToolParam, ResponseFormatJSONSchemaParam
from asyncstream.parsing import parse_json
from asyncstream.schemas import schema_name, schema_of
from asyncstream.shapes.kinds import is_data_type, members_of
from asyncstream.shapes.names import type_name
from asyncstream.tools.calls import FunctionCallLike
from asyncstream.tools.definitions import TypedDefinition
from asyncstream.tools.docstrings import read_docstring
from asyncstream.tools.signatures import NOTHING, documented, name_of, parameters

__all__ = ["arguments_for", "function_tool", "parameters_of", "pydantic_function_tool", "response_format_for"]

_NAME = r"[A-Za-z0-9_-]{1,64}"


def function_tool(
    function: Callable[..., object],
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool = True,
) -> FunctionToolParam:
    """Make the definition of a tool from a function.

    Args:
        function: Plain or async, a method, or an object that can be called. Its docstring is the description (in
            Google's, NumPy's or Sphinx's style, what it says of each parameter goes there), its annotations are the
            schema; what `Annotated` says there is shown and enforced. What `functools.partial` has bound is not shown.
            A Struct, dataclass, TypedDict or pydantic model is taken too: its fields are the parameters.
        name: Instead of the function's own.
        description: Instead of the docstring.
        strict: The model is forced to follow the schema: it gives every parameter, also those with defaults.

    Returns:
        The tool as a request carries it. Its `function` is a dict that remembers what it was made from: in the answers
        to requests with it, whole calls whose arguments fit have them as ``call.function.parsed_arguments``.

    Raises:
        ConfigurationError: A parameter has no annotation, no name (`*args`), or a type that has no strict schema.
    """
    is_type = is_data_type(function)
    name = name or schema_name(type_name(function) if is_type else name_of(function))
    if not re.fullmatch(_NAME, name):
        raise ConfigurationError(f"a tool needs a name of 1 to 64 letters, digits, _ or -, got {name!r}: pass name=")
    schema = schema_of(function if is_type else parameters_of(function), strict=strict)
    schema.pop("title", None)
    own = schema.pop("description", None)
    docstring = read_docstring(str(own or "")) if is_type else documented(function)
    if is_type:
        _describe(cast("dict[str, dict[str, object]]", schema["properties"]), docstring.parameters)
    definition: FunctionDefinitionParam = {"name": name, "parameters": schema, "strict": strict}
    text = description or docstring.description
    if text:
        definition["description"] = text
    return {"type": "function", "function": cast("FunctionDefinitionParam", TypedDefinition(definition, function))}


def pydantic_function_tool(
    model: type[object], *, name: str | None = None, description: str | None = None
) -> FunctionToolParam:
    """Make the definition of a strict tool from a model: `function_tool` under openai-python's name and arguments.

    In the answers of chat, ``call.function.parsed_arguments`` is an instance of the model, if the call is whole and its
    arguments fit. What does not fit raises nothing, neither in `parse` nor in the middle of a stream: it is None, and
    ``call.arguments_as(model)`` says why.

    Args:
        model: A pydantic model, or any other type that `function_tool` takes.
        name: Instead of the class's own.
        description: Instead of the docstring.

    Raises:
        ConfigurationError: A member has a type that has no strict schema.
    """
    return function_tool(model, name=name, description=description)


def _describe(properties: dict[str, dict[str, object]], texts: Mapping[str, str]) -> None:
    """Give members the words of their class's docstring, where they have none; a reference stands alone."""
    for name, text in texts.items():
        if name in properties and "$ref" not in properties[name]:
            properties[name].setdefault("description", text)


def response_format_for(
    target: type[object], *, name: str | None = None, strict: bool = True
) -> ResponseFormatJSONSchemaParam:
    """Make the response format that asks for JSON of a type.

    Args:
        target: A `msgspec.Struct`, dataclass, TypedDict or pydantic model; also a generic one, such as `Page[int]`.
        name: What the schema is called, instead of the type's own name.
        strict: The model is forced to follow the schema.

    Raises:
        ConfigurationError: The type is no object, or has no strict schema.
    """
    schema = schema_of(target, strict=strict)
    name = name or schema_name(type_name(target)) or "answer"
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": strict}}


def arguments_for(function: Callable[..., object], call: FunctionCallLike) -> dict[str, Any]:
    """Decode the arguments of a call into keyword arguments, typed as the function wants them.

    What `functools.partial` has bound is never among them, whatever the model wrote; neither is anything that the
    function does not take.

    Raises:
        ParseError: The arguments are cut, are no JSON, or do not fit; it has their `raw` text and the `path`.
        ConfigurationError: As for `function_tool`.
    """
    target: Any = function if is_data_type(function) else parameters_of(function)
    cut: str | None = getattr(call, "cut", None)
    found: Any = parse_json(call.arguments, target, what=f"the call of {call.name!r}", cut=cut, empty="{}")
    return members_of(found)


def parameters_of(function: Callable[..., object]) -> type[Struct]:
    """Return a struct with the parameters of a function as its fields; the same one for the same function.

    Raises:
        ConfigurationError: A parameter has no annotation, or no name (`*args`).
    """
    try:
        return _remembered(function)
    except TypeError:  # it cannot be hashed
        return _make_parameters(function)


@functools.lru_cache(maxsize=1024)
def _remembered(function: Callable[..., object]) -> type[Struct]:
    return _make_parameters(function)


def _make_parameters(function: Callable[..., object]) -> type[Struct]:
    name = name_of(function) or type(function).__name__
    fields: list[Any] = []
    for parameter in parameters(function):
        if parameter.default is NOTHING:
            fields.append((parameter.name, parameter.type))
        else:
            default = msgspec.field(default_factory=parameter.copied_default)
            fields.append((parameter.name, parameter.type, default))
    try:
        return msgspec.defstruct(schema_name(name) or "parameters", fields, kw_only=True)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"cannot make a struct of the parameters of {name}: {error}") from error
