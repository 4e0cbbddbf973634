"""Refused requests: the exception that handlers raise, and OpenAI's JSON form of it."""

from typing import Any

__all__ = ["WireError", "not_found"]

_TYPES = {401: "authentication_error", 429: "rate_limit_error"}


class WireError(Exception):
    """A request is refused; the door turns it into ``{"error": {...}}``."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None, type: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.type = type or _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")

    def body(self) -> dict[str, Any]:
        """Return the error object of the wire."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def not_found(noun: str, id: str, *, param: str | None = None, code: str | None = None) -> WireError:
    """Return the error for an id that nothing has."""
    return WireError(404, f"No {noun} has the id '{id}'.", param=param, code=code)
