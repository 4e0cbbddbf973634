"""What the server remembers of Responses: what it answered, to what, and conversations. Pure data and its look-ups."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from asyncstream.server.problems import WireError
from asyncstream.server.responses.live import LiveResponse
from asyncstream.server.responses.script import Approved
from asyncstream.server.state import Wire

__all__ = ["ConversationRecord", "Records", "ResponseRecord"]


@dataclass(slots=True)
class ResponseRecord:
    """A response, and what it answers."""

    live: LiveResponse
    input: list[Wire]
    """All that the model was told, oldest first: the items of earlier responses too."""
    streams: bool
    """Whether it was asked for as a stream."""
    began: float
    """The event loop's time."""

    @property
    def wire(self) -> Wire:
        """The response as it is now."""
        return self.live.wire

    def context(self) -> list[Wire]:
        """Return what an answer to this response is told first."""
        return [*self.input, *self.wire["output"]]


@dataclass(slots=True)
class ConversationRecord:
    """A conversation and its items, oldest first."""

    wire: Wire
    items: dict[str, Wire] = field(default_factory=dict)

    def add(self, items: list[Wire]) -> None:
        """Append items; one that is there already stays where it is."""
        for item in items:
            self.items.setdefault(item["id"], item)

    def item(self, id: str) -> Wire:
        """Return an item, or raise the 404."""
        try:
            return self.items[id]
        except KeyError:
            raise WireError(404, f"No item of the conversation '{self.wire['id']}' has the id '{id}'.") from None


class Records:
    """All responses and conversations of one server."""

    def __init__(self) -> None:
        self.responses: dict[str, ResponseRecord] = {}
        self.conversations: dict[str, ConversationRecord] = {}
        self.approvals: dict[str, Approved] = {}
        """What was asked for approval, by the ids of the requests."""

    def response(self, id: str) -> ResponseRecord:
        """Return a stored response, or raise the 404."""
        try:
            return self.responses[self.real(id)]
        except KeyError:
            raise WireError(404, f"Response with id '{id}' not found.") from None

    def conversation(self, id: str) -> ConversationRecord:
        """Return a conversation, or raise the 404."""
        try:
            return self.conversations[id]
        except KeyError:
            raise WireError(404, f"Conversation with id '{id}' not found.") from None

    def item(self, id: str) -> Wire:
        """Return an item that was stored with a response or a conversation, or raise the 404."""
        for item in self._items():
            if item["id"] == id:
                return item
        raise WireError(404, f"Item with id '{id}' not found: items of responses that are not stored are not kept.")

    def real(self, id: str) -> str:
        """Return the real id of a response or a call, for one that only the dialect knows."""
        for record in self.responses.values():
            if id in record.live.shaper.aliases:
                return record.live.shaper.aliases[id]
        return id

    def _items(self) -> Iterator[Wire]:
        for response in self.responses.values():
            yield from response.context()
        for conversation in self.conversations.values():
            yield from conversation.items.values()
