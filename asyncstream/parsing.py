"""Decode JSON text that a model wrote into a type of the user's. Pure.

Below it: `shapes`, which reads the types, also those that msgspec does not know. The other way, from a type to the
schema that the model is shown, is `schemas`.

Rule 1: what a model wrote is never mended and never completed. It fits, or a `ParseError` says where it does not.
"""

from typing import Final, TypeVar, cast

import msgspec

from asyncstream.errors import ConfigurationError, ParseError
from asyncstream.nesting import MAX_DEPTH, nested_too_deep

__all__ = ["parse_json"]

T = TypeVar("T")

_REASON: Final = 500
"""Characters of a decoder's reason that a message shows: it may repeat a value of any length."""


def parse_json(text: str, target: type[T], *, what: str, cut: str | None = None, empty: str = "") -> T:
    """Decode a text into a type.

    Args:
        text: JSON as the model wrote it.
        target: A `msgspec.Struct`, dataclass, TypedDict, pydantic model, or whatever msgspec decodes.
        what: What the text is, for the error.
        cut: Why the text is not whole: a finish reason, or "unfinished"; None if it is.
        empty: What a blank text stands for, and `null`; "" if nothing may be left out.

    Raises:
        ParseError: The text is cut, is no JSON, or does not fit.
        ConfigurationError: Nothing can be decoded into this type.
    """
    if cut is not None:
        raise ParseError(
            f"{what} {'is unfinished' if cut == 'unfinished' else f'was cut (finish reason {cut!r})'} "
            f"after {len(text)} characters and is not parsed",
            raw=text,
        )
    # The reading of types is loaded by whoever parses.
    from asyncstream.shapes.models import Model
    from asyncstream.shapes.names import type_name
    from asyncstream.shapes.reading import shape_of
    from asyncstream.shapes.shape import Unfit

    try:
        shape = shape_of(target)
    except (TypeError, ConfigurationError) as error:
        raise ConfigurationError(f"cannot parse into {type_name(target)}: {error}") from error
    whole = empty if not text.strip() or (empty and text.strip() == "null") else text
    # Half a surrogate pair has no UTF-8: msgspec says where it is, pydantic would say only that there is one.
    data = whole.encode("utf-8", "replace" if isinstance(shape, Model) else "surrogatepass")
    if nested_too_deep(data):
        raise ParseError(f"{what} is nested deeper than {MAX_DEPTH} levels", raw=text)
    try:
        return cast("T", shape.decode(data, {}))
    except Unfit as unfit:
        message = f"{what} does not fit {type_name(target)} at ${unfit.path}: {unfit.reason[:_REASON]}"
        raise ParseError(message, path=f"${unfit.path}", raw=text) from unfit.__cause__
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError(f"{what} is not JSON: {error}", raw=text) from error
    except RecursionError as error:
        # The caller has left less of the stack than the depth that is let in takes.
        raise ParseError(f"{what} is nested too deep", raw=text) from error
