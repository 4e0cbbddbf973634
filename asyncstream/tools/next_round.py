"""The request that goes on with a conversation, while it can still be changed: `NextRound`. Pure.

Made by `looping.<protocol>` out of what was sent before; shown by the stream and to `Tools.before_round`. What nobody
looks at is passed on as its bytes are.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from asyncstream.errors import ConfigurationError

__all__ = ["NextRound"]


class NextRound:
    """The request to come: its parameters, and what it says.

    Attributes:
        number: Of the round that it begins.
    """

    def __init__(
        self,
        number: int,
        body: Mapping[str, object],
        *,
        list_key: str | None = None,
        before: list[Raw] | None = None,
        added: list[Any] | None = None,
    ) -> None:
        """Prepare a request.

        Args:
            number: Of the round that it begins.
            body: Its members, but the one that lists what is said.
            list_key: The name of that one: "messages", "input"; None if there is none.
            before: What was said before, as JSON.
            added: What is said besides.
        """
        self.number = number
        self._body = body
        self._list_key = list_key
        self._before = before or []
        self._added = added or []
        self._params: dict[str, Any] | None = None
        self._items: list[Any] | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The members of the request, to be changed; not what it says."""
        if self._params is None:
            self._params = {key: _plain(value) for key, value in self._body.items()}
        return self._params

    @property
    def messages(self) -> list[Any]:
        """What the request says, to be changed: the messages of a chat."""
        return self._listed("messages")

    @property
    def input(self) -> list[Any]:
        """What the request says, to be changed: the input items of Responses."""
        return self._listed("input")

    def _listed(self, key: str) -> list[Any]:
        if key != self._list_key:
            raise ConfigurationError(f"this request has no {key}; it has {self._list_key or 'params alone'}")
        if self._items is None:
            self._items = [*map(_plain, self._before), *self._added]
        return self._items

    @property
    def changed_list(self) -> list[Any] | None:
        """What it says, if somebody has looked at it and so may have changed it; else None."""
        return self._items

    def body(self) -> dict[str, Any]:
        """Return what is sent."""
        body: dict[str, Any] = dict(self._body if self._params is None else self._params)
        if self._list_key is not None:
            body[self._list_key] = [*self._before, *self._added] if self._items is None else self._items
        return body


def _plain(value: object) -> Any:
    return msgspec.json.decode(value) if isinstance(value, Raw) else value
