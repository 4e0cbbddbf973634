"""What a callable takes from a model: the parameters that nobody has bound, with their types. Pure.

A callable may be wrapped many times over: a decorated function, bound to an object, with some arguments given by
`functools.partial`. What is *bound* on any of these layers is neither shown nor taken. Above it: `functions`.

Rule 1: only the annotations of parameters that are shown are read. A return type, or the type of something bound, may
be one that only type checkers can find.
"""

import copy
import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Annotated, Any, NamedTuple, Optional, Union, get_args, get_origin, get_type_hints

from msgspec import Meta

from asyncstream.errors import ConfigurationError
from asyncstream.shapes.names import class_doc
from asyncstream.shapes.notes import notes_of
from asyncstream.tools.context import ToolContext
from asyncstream.tools.docstrings import Docstring, read_docstring

__all__ = ["NOTHING", "Parameter", "context_parameter", "documented", "name_of", "parameters"]

NOTHING: Any = object()
"""The default of a parameter that has none."""


_OF_PARTIALS = inspect.cleandoc(functools.partial.__doc__ or "")
"""What `functools.wraps` copies from a partial application that has no docstring of its own."""


class Parameter(NamedTuple):
    """What a model gives by name."""

    name: str
    type: Any
    """With its description and bounds in `Annotated`."""
    default: Any

    def copied_default(self) -> Any:
        """Return the default: a list, dict or set anew, so that no two calls share one."""
        return copy.copy(self.default) if isinstance(self.default, list | dict | set) else self.default


def name_of(function: Callable[..., object]) -> str:
    """Return the name of a callable: its own, or that of what it wraps; of an object without one, its class's."""
    for layer in _layers(function):
        if _partialmethod(layer) is not None:
            continue  # the function in its place is not named after it
        name = _own(layer, "__name__") if _is_object(layer) else getattr(layer, "__name__", None)
        if isinstance(name, str):
            return name
        if _is_object(layer) and not isinstance(layer, functools.partial):
            return type(layer).__name__
    return ""


def documented(function: Callable[..., object]) -> Docstring:
    """Return what the docstrings of a callable say: the outermost description, and each parameter's outermost text."""
    description = ""
    texts: dict[str, str] = {}
    for layer in _layers(function):
        for source in _documented_by(layer):
            found = read_docstring(source)
            description = description or found.description
            texts = found.parameters | texts
    return Docstring(description, texts)


def parameters(function: Callable[..., object]) -> list[Parameter]:
    """Return the parameters that a model is to give, in order: not that of a `ToolContext`.

    Raises:
        ConfigurationError: One has no annotation, no name (`*args`), or a type that cannot be found.
    """
    return [parameter for parameter in _unbound(function) if not _is_context(parameter.type)]


def context_parameter(function: Callable[..., object]) -> str | None:
    """Return the name of the parameter that takes a `ToolContext`; None if there is none.

    Raises:
        ConfigurationError: There are two, or as for `parameters`.
    """
    names = [parameter.name for parameter in _unbound(function) if _is_context(parameter.type)]
    if len(names) > 1:
        raise ConfigurationError(f"{name_of(function)} has two parameters for a ToolContext: {', '.join(names)}")
    return names[0] if names else None


def _is_context(hint: Any) -> bool:
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, types.UnionType):
        return any(_is_context(option) for option in get_args(hint))
    return (get_origin(hint) or hint) is ToolContext


def _unbound(function: Callable[..., object]) -> list[Parameter]:
    """Return the parameters that nobody has bound, in order."""
    name = name_of(function) or type(function).__name__
    layers = list(_layers(function))
    bound = {key for layer in layers for key in _keywords_of(layer)}
    owner = layers[-1]
    texts = documented(function).parameters
    try:
        signature = _signature(function)
    except (TypeError, ValueError, NameError) as error:
        raise ConfigurationError(f"cannot read the parameters of {name}: {error}") from error
    return [
        _read(parameter, f"parameter {parameter.name!r} of {name}", owner, texts.get(parameter.name, ""))
        for parameter in signature.parameters.values()
        if parameter.name not in bound
    ]


def _layers(function: Any) -> Iterator[Any]:
    """Give a callable and what it wraps, from the outside in; a signature that was set by hand ends it."""
    seen: set[int] = set()
    while id(function) not in seen:
        seen.add(id(function))
        yield function
        applied = _partialmethod(function)
        if isinstance(function, functools.partial):
            function = function.func
        elif applied is not None:
            function = applied.func
        elif isinstance(function, types.MethodType):
            function = function.__func__
        elif isinstance(getattr(function, "__signature__", None), inspect.Signature):
            return
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif isinstance(function, type):
            function = function.__init__  # type: ignore[misc]  # it is read, not called
        elif _is_object(function) and callable(function):
            function = type(function).__call__


def _is_object(layer: object) -> bool:
    """Tell whether a callable is an object of some class, not a function, method or class."""
    return not inspect.isroutine(layer) and not isinstance(layer, type)


def _own(layer: object, name: str) -> object:
    """Return an attribute that an object itself has, not its class."""
    return getattr(layer, "__dict__", {}).get(name)


def _partialmethod(function: object) -> "functools.partialmethod[Any] | None":
    """Return what a method was made from in its class by `functools.partialmethod`."""
    for name in ("__partialmethod__", "_partialmethod"):
        found = getattr(function, name, None)
        if isinstance(found, functools.partialmethod):
            return found
    return function if isinstance(function, functools.partialmethod) else None


def _keywords_of(layer: object) -> set[str]:
    applied = layer if isinstance(layer, functools.partial) else _partialmethod(layer)
    return set() if applied is None else set(applied.keywords)


def _documented_by(layer: Any) -> Iterator[str]:
    """Give the docstrings that were written for a layer; what Python says of the kind of thing it is is none."""
    if _is_object(layer):
        found = [_own(layer, "__doc__")]
        if not isinstance(layer, functools.partial) and not hasattr(layer, "__wrapped__"):
            found += [type(layer).__call__.__doc__, type(layer).__doc__]
    elif isinstance(layer, type):
        found = [class_doc(layer)]
    elif getattr(layer, "__name__", "").startswith("__"):
        found = [] if layer is object.__init__ else [layer.__doc__]
    else:
        found = [inspect.getdoc(layer)]
    for text in found:
        if isinstance(text, str) and inspect.cleandoc(text) != _OF_PARTIALS:
            yield text


def _signature(function: Callable[..., object]) -> inspect.Signature:
    if sys.version_info < (3, 14):
        return inspect.signature(function)
    # From here on a look at one annotation finds all of them, unless it is asked to leave names that it cannot find.
    names_left = import_module("annotationlib").Format.FORWARDREF
    return inspect.signature(function, annotation_format=names_left)


def _read(parameter: inspect.Parameter, where: str, owner: Any, text: str) -> Parameter:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        raise ConfigurationError(f"{where} cannot be given by name: a tool's arguments come as named JSON values")
    if parameter.annotation is parameter.empty:
        unbound = " (pass the method of an object)" if parameter.name in ("self", "cls") else ""
        raise ConfigurationError(f"{where} has no annotation: the model must be told its type{unbound}")
    hint = _resolved(parameter.annotation, where, owner)
    default = NOTHING if parameter.default is parameter.empty else parameter.default
    if default is not NOTHING and callable(getattr(default, "get_default", None)) and hasattr(default, "metadata"):
        # pydantic's way to write a note: `days: int = Field(3, ge=1)`.
        hint = Annotated[hint, default]
        default = NOTHING if default.is_required() else default.get_default(call_default_factory=True)
    if default is None:
        hint = _optional(hint)
    return Parameter(parameter.name, _described(hint, text), default)


def _resolved(annotation: Any, where: str, owner: Any) -> Any:
    """Find the types that an annotation names."""

    def holder() -> None: ...

    holder.__annotations__ = {"it": annotation}
    if hasattr(owner, "__type_params__"):
        holder.__type_params__ = owner.__type_params__  # type: ignore[attr-defined]  # from Python 3.12 on
    names = getattr(owner, "__globals__", None) or vars(sys.modules.get(getattr(owner, "__module__", ""), types))
    code, cells = getattr(owner, "__code__", None), getattr(owner, "__closure__", None)
    around = {}
    for name, cell in zip(code.co_freevars if code else (), cells or (), strict=False):
        try:
            around[name] = cell.cell_contents
        except ValueError:  # it is not set yet
            continue
    try:
        return get_type_hints(holder, globalns=names, localns={**names, **around}, include_extras=True)["it"]
    except (NameError, TypeError, SyntaxError, AttributeError) as error:
        raise ConfigurationError(f"the type of {where} cannot be found: {error}") from error


def _optional(hint: Any) -> Any:
    """Let None in, as a default of None says; what is noted about the type stays noted about all of it."""
    if get_origin(hint) is Annotated:
        return Annotated[(_optional(get_args(hint)[0]), *hint.__metadata__)]
    return Optional[hint]  # noqa: UP045  # `|` does not take every type


def _described(hint: Any, text: str) -> Any:
    """Add a description to a type, unless it brings its own."""
    own = get_origin(hint) is Annotated and notes_of(hint.__metadata__).description
    return hint if own or not text else Annotated[hint, Meta(description=text)]
