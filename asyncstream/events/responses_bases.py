"""What the events of the Responses protocol have in common: a number, the response, an item, a part. Pure.

The events are in `responses`, `responses_deltas` and `responses_states`. Some server leaves out each of these members:
an index is None then, and an id "".
"""

from asyncstream.events.named import TaggedEvent
from asyncstream.types.responses import Response, ResponseError
from asyncstream.types.structs import WireStruct

__all__ = [
    "ResponseEvent",
    "ResponseItemEvent",
    "ResponseLifecycleEvent",
    "ResponsePartEvent",
    "ResponseSummaryEvent",
]


class ResponseEvent(TaggedEvent, WireStruct, kw_only=True, gc=False):
    """An event of a response; `to_dict` gives its payload as received."""

    sequence_number: int | None = None
    """Counts the events of a response from 0; what a stream is gone on with after a break."""


class ResponseLifecycleEvent(ResponseEvent, kw_only=True, gc=False):
    """An event that brings the response as it is then."""

    response: Response
    error: ResponseError | None = None
    """Why the response failed, where a server says it beside the response."""


class ResponseItemEvent(ResponseEvent, kw_only=True, gc=False):
    """An event of one item."""

    item_id: str = ""
    output_index: int | None = None
    """The place of the item in the output."""


class ResponsePartEvent(ResponseItemEvent, kw_only=True, gc=False):
    """An event of one part of a message, or of a text in which a model thinks."""

    content_index: int | None = None
    """The place of the part in the content of its item."""


class ResponseSummaryEvent(ResponseItemEvent, kw_only=True, gc=False):
    """An event of one summary of what a model thinks."""

    summary_index: int | None = None
    """The place of the summary in its item."""
