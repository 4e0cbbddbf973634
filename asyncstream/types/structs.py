"""What all structs of the wire have in common: they can be given as the plain data that they were read from.

Below all of `types`. Here too are the type variables of the structs that carry the type of an answer.

Rule 1: a type variable with a default exists for type checkers alone; at run time a plain one stands in its place, so
that nothing is imported for it.
Rule 2: a member of our own has a name that begins with `OWN_MEMBER` on the wire, or stands in `_OWN`.
"""

import json
import sys
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from asyncstream.members import OWN_MEMBER

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    ParsedT = TypeVar("ParsedT", default=None)
    ParsedT_co = TypeVar("ParsedT_co", covariant=True, default=None)
else:
    from typing import TypeVar

    ParsedT = TypeVar("ParsedT")
    ParsedT_co = TypeVar("ParsedT_co", covariant=True)

__all__ = ["WireStruct"]

_OWN: Final = frozenset({"cut", "extra", "parsed", "raw", "wire", "wire_type"})
_PARTS: Final = OWN_MEMBER + "content_parts"
"""What came under `content`, where that was a list."""


class WireStruct(Struct, gc=False):
    """What the wire sent, as a struct."""

    def to_dict(self) -> dict[str, object]:
        """Give it as plain data under the wire's keys, as the wire had it.

        What is None was not sent, or sent as null, and is left out; so is what is our own (`parsed`, `cut`, ...). What
        no field names (`extra`) stands in its place. What the wire cannot leave out and did is there as it is read: "",
        0, False or an empty list.
        """
        return _plain_struct(self)

    def to_json(self, *, indent: int | None = 2) -> str:
        """Give what `to_dict` gives as JSON text.

        Args:
            indent: Spaces a level; None puts all on one line.
        """
        return json.dumps(_plain_struct(self), indent=indent, ensure_ascii=False)


class _Member(NamedTuple):
    name: str
    key: str
    absent: object
    """The class whose empty struct stands where nothing was sent."""


@cache
def _members(kind: type[Struct]) -> tuple[_Member, ...]:
    return tuple(
        _Member(field.name, field.encode_name, field.default_factory)
        for field in msgspec.structs.fields(kind)
        if field.encode_name not in _OWN and not field.encode_name.startswith(OWN_MEMBER)
    )


def _plain_struct(struct: Struct) -> dict[str, object]:
    raw = getattr(struct, "raw", None)
    if isinstance(raw, bytes) and raw:
        return _read(raw)
    config = struct.__struct_config__
    plain: dict[str, object] = {} if config.tag_field is None else {config.tag_field: config.tag}
    for name, key, absent in _members(type(struct)):
        value = getattr(struct, name)
        if value is None:
            continue
        member = _plain(value)
        if member or not isinstance(value, Struct) or type(value) is not absent:
            plain[key] = member
    own: dict[str, Any] = {name: getattr(struct, name, None) for name in ("content_parts", "wire", "extra")}
    if own["content_parts"] is not None and _PARTS in struct.__struct_encode_fields__:
        plain["content"] = _plain(own["content_parts"])
    if own["wire"]:
        plain |= _plain(own["wire"])
        plain = {key: value for key, value in plain.items() if value is not None}
    return _with_extra(plain, own["extra"]) if own["extra"] else plain


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return _plain_struct(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return msgspec.to_builtins(value)


def _with_extra(plain: dict[str, object], extra: Mapping[str, object]) -> dict[str, object]:
    """Return the members with those that no field names; what stands in these under a member's name belongs into it."""
    for key, value in extra.items():
        held = plain.get(key)
        if isinstance(held, dict) and isinstance(value, dict):
            plain[key] = {**msgspec.to_builtins(value), **held}
        elif key not in plain:
            plain[key] = msgspec.to_builtins(value)
    return plain


def _read(raw: bytes) -> dict[str, object]:
    try:
        value: object = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # NaN, half a surrogate pair, bytes that are no UTF-8, an integer of more digits than Python reads.
        value = json.loads(raw.decode("utf-8", "replace"), parse_int=_integer)
    return value if isinstance(value, dict) else {}


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < sys.int_info.default_max_str_digits else float(digits)
