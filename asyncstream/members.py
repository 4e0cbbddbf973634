"""The names of the members that a wire struct has and the wire has not: `OWN_MEMBER`, and of what is beyond its fields.

Data. Below everything: `types` names its own members with it, `decoding` and `events` fill them.
"""

from typing import Final

__all__ = ["EXTRA", "OWN_MEMBER"]

OWN_MEMBER: Final = "<"
"""How the encoded name of a member begins that code adds to a struct, such as its `raw`: the wire has none of it."""

EXTRA: Final = OWN_MEMBER + "extra"
"""The encoded name of `extra`: the members of an object on the wire that no field of its struct names."""
