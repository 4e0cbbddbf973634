"""Read JSON that is still being written: what can be said of it so far. Pure; needs the extra `[partial]`.

Below it stand `errors`, `nesting`, `parsing` and, once it is called, jiter. For showing only: a number that is read
here may still grow.
"""

import json
from importlib import import_module
from typing import TypeVar

from asyncstream.errors import ConfigurationError, ParseError
from asyncstream.nesting import MAX_DEPTH, nested_too_deep
from asyncstream.parsing import parse_json

__all__ = ["parse_partial", "parse_partial_as"]

T = TypeVar("T")


def parse_partial(text: str) -> object:
    """Parse the beginning of a JSON text: open strings, lists and objects end where the text ends.

    Returns:
        The value so far; None before it begins.

    Raises:
        ConfigurationError: jiter is not installed.
        ParseError: The text is no beginning of JSON, or is nested too deep.
    """
    try:
        jiter = import_module("jiter")
    except ImportError as error:
        raise ConfigurationError("partially parsed JSON needs jiter: pip install 'asyncstream[partial]'") from error
    if not text.strip():
        return None
    data = text.encode("utf-8", "replace")
    if nested_too_deep(data):
        raise ParseError(f"{len(text)} characters are nested deeper than {MAX_DEPTH} levels", raw=text)
    try:
        value: object = jiter.from_json(data, partial_mode="trailing-strings")
    except ValueError as error:
        raise ParseError(f"{len(text)} characters are no beginning of JSON: {error}", raw=text) from error
    return value


def parse_partial_as(text: str, target: type[T]) -> T | None:
    """Parse the beginning of a JSON text into a type, as far as it goes.

    What is last and does not fit yet is left out: a half-written word of an `Enum`, an item that lacks members. Nothing
    is made up: a type with members that may not be left out is None until these have come.

    Returns:
        The value so far; None as long as nothing fits.

    Raises:
        ConfigurationError: jiter is not installed, or nothing can be decoded into this type.
    """
    try:
        value = parse_partial(text)
    except ParseError:
        return None
    # The lists and objects that are still being written, the outermost first.
    unfinished: list[list[object] | dict[str, object]] = []
    last = value
    while isinstance(last, list | dict) and last:
        unfinished.append(last)
        last = last[-1] if isinstance(last, list) else next(reversed(last.values()))
    while True:
        try:
            return parse_json(json.dumps(value), target, what="the text so far")
        except ParseError:
            if not unfinished:
                return None
            within = unfinished.pop()
            if isinstance(within, list):
                within.pop()
            else:
                within.popitem()
