"""Tools and answers from the user's own types: a function as a tool, a type as a response format. Pure.

Below it: `schemas`, which makes the schemas. The way back, from what the model wrote to a typed value, is on the
messages and calls themselves (`message.parse`, `call.arguments_as`), and for a function's arguments here.
"""

import copy
import functools
import inspect
import re
from collections.abc import Callable, Hashable
from typing import Annotated, Any, Protocol, TypeVar, cast, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from asyncstream.errors import ConfigurationError
from asyncstream.params.shared import FunctionDefinitionParam, FunctionToolParam, ResponseFormatJSONSchemaParam
from asyncstream.schemas import schema_name, schema_of

__all__ = ["FunctionCallLike", "arguments_for", "function_tool", "parameters_of", "response_format_for"]

T = TypeVar("T")

_NAME = r"[A-Za-z0-9_-]{1,64}"
_SECTION = r"(?i)\s*(Args|Arguments|Parameters|Returns?|Yields|Raises|Examples?|Notes?|Source|See also):.*"
_ARGUMENT = r"(\s*)\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)"


class FunctionCallLike(Protocol):
    """A call of a function, in whichever protocol it came."""

    def arguments_as(self, target: type[T]) -> T:
        """Decode the arguments into a type."""
        ...


def function_tool(
    function: Callable[..., object],
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool = True,
) -> FunctionToolParam:
    """Make the definition of a tool from a function.

    Args:
        function: Plain or async. Its docstring is the description (an `Args:` section describes the parameters), its
            annotations are the schema. A Struct, dataclass, TypedDict or pydantic model is taken too: its fields are
            the parameters.
        name: Instead of the function's own.
        description: Instead of the docstring.
        strict: The model is forced to follow the schema: it gives every parameter, also those with defaults.

    Raises:
        ConfigurationError: A parameter has no annotation, no name (`*args`), or a type that has no strict schema.
    """
    is_type = isinstance(function, type)
    name = name or schema_name(getattr(function, "__name__", ""))
    if not re.fullmatch(_NAME, name):
        raise ConfigurationError(f"a tool needs a name of 1 to 64 letters, digits, _ or -, got {name!r}: pass name=")
    schema = schema_of(function if is_type else parameters_of(function), strict=strict)
    schema.pop("title", None)
    documented = cast("str | None", schema.pop("description", None)) if is_type else _docstring(function)[0]
    definition: FunctionDefinitionParam = {"name": name, "parameters": schema, "strict": strict}
    text = description or documented
    if text:
        definition["description"] = text
    return {"type": "function", "function": definition}


def response_format_for(
    target: type[object], *, name: str | None = None, strict: bool = True
) -> ResponseFormatJSONSchemaParam:
    """Make the response format that asks for JSON of a type.

    Args:
        target: A `msgspec.Struct`, dataclass, TypedDict or pydantic model.
        name: What the schema is called, instead of the type's own name.
        strict: The model is forced to follow the schema.

    Raises:
        ConfigurationError: The type is no object, or has no strict schema.
    """
    schema = schema_of(target, strict=strict)
    name = name or schema_name(getattr(target, "__name__", "")) or "answer"
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": strict}}


def arguments_for(function: Callable[..., object], call: FunctionCallLike) -> dict[str, Any]:
    """Decode the arguments of a call into keyword arguments, typed as the function wants them.

    Raises:
        ParseError: The arguments are cut, are no JSON, or do not fit; it has their `raw` text and the `path`.
    """
    return msgspec.structs.asdict(call.arguments_as(parameters_of(function)))


def parameters_of(function: Callable[..., object]) -> type[Struct]:
    """Return a struct with the parameters of a function as its fields; the same one for the same function.

    Raises:
        ConfigurationError: A parameter has no annotation, or no name (`*args`).
    """
    return _remembered(function) if isinstance(function, Hashable) else _make_parameters(function)


@functools.lru_cache(maxsize=1024)
def _remembered(function: Callable[..., object]) -> type[Struct]:
    return _make_parameters(function)


def _make_parameters(function: Callable[..., object]) -> type[Struct]:
    name = getattr(function, "__name__", type(function).__name__)
    plain = function.func if isinstance(function, functools.partial) else function
    try:
        parameters = inspect.signature(function).parameters.values()
        hints = get_type_hints(plain if inspect.isroutine(plain) else type(plain).__call__, include_extras=True)
    except (TypeError, ValueError, NameError) as error:
        raise ConfigurationError(f"cannot read the parameters of {name}: {error}") from error
    described = _docstring(plain)[1]
    fields: list[Any] = []
    for parameter in parameters:
        where = f"parameter {parameter.name!r} of {name}"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise ConfigurationError(f"{where} cannot be given by name: a tool's arguments come as named JSON values")
        if parameter.name not in hints:
            raise ConfigurationError(f"{where} has no annotation: the model must be told its type")
        hint = _described(hints[parameter.name], described.get(parameter.name))
        if parameter.default is parameter.empty:
            fields.append((parameter.name, hint))
        else:
            factory = functools.partial(copy.copy, parameter.default)
            fields.append((parameter.name, hint, msgspec.field(default_factory=factory)))
    try:
        return msgspec.defstruct(schema_name(name) or "parameters", fields, kw_only=True)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"cannot make a struct of the parameters of {name}: {error}") from error


def _described(hint: Any, text: str | None) -> Any:
    """Add a description to a type, unless it brings its own."""
    own = get_origin(hint) is Annotated and any(
        isinstance(note, Meta) and note.description for note in hint.__metadata__
    )
    return hint if own or not text else Annotated[hint, Meta(description=text)]


def _docstring(function: Callable[..., object]) -> tuple[str, dict[str, str]]:
    """Read a docstring: what stands before its first section, and the text of each argument."""
    lines = (inspect.getdoc(function) or "").splitlines()
    first = next((number for number, line in enumerate(lines) if re.fullmatch(_SECTION, line)), len(lines))
    arguments: dict[str, str] = {}
    name = ""
    indent: int | None = None
    inside = False
    for line in lines[first:]:
        section = re.fullmatch(_SECTION, line)
        if section is not None and not line[:1].isspace():
            inside = section.group(1).lower() in ("args", "arguments", "parameters")
            continue
        entry = re.fullmatch(_ARGUMENT, line)
        if not inside or not line.strip():
            continue
        if entry is not None and (indent is None or len(entry.group(1)) <= indent):
            indent = len(entry.group(1))
            name = entry.group(2)
            arguments[name] = entry.group(3).strip()
        elif name:
            arguments[name] = f"{arguments[name]} {line.strip()}".strip()
    return "\n".join(lines[:first]).strip(), arguments
