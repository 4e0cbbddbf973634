"""Raw responses: what a method returns, together with the status, headers and time of the answer that it came in.

Each noun has a class ``<Noun>WithRawResponse`` with one line a method: ``retrieve = RawMethod(Threads.retrieve)``, by
which checkers know its parameters and result. Streams and polls have none: a stream tells of its response itself.
"""

import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Concatenate, Generic, ParamSpec, TypeVar

from asyncstream.transport.http import Transport

if TYPE_CHECKING:
    from aiohttp import ClientResponse

__all__ = ["RawMethod", "RawResponse", "WithRawResponse"]

N = TypeVar("N")
P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class RawResponse(Generic[T_co]):
    """An answer with what HTTP says of it.

    Attributes:
        status: HTTP status.
        headers: The headers of the answer, cookies included; case-insensitive.
        elapsed: From the call to its result, with all attempts and the waits between them.
    """

    def __init__(self, result: T_co, *, status: int, headers: Mapping[str, str], elapsed: timedelta) -> None:
        self._result = result
        self.status = status
        self.headers = headers
        self.elapsed = elapsed

    def __repr__(self) -> str:
        return f"RawResponse(status={self.status}, request_id={self.request_id!r})"

    @property
    def status_code(self) -> int:
        """The status, under openai-python's name."""
        return self.status

    @property
    def request_id(self) -> str | None:
        """The `x-request-id` of the answer: what to quote to the server's support."""
        return self.headers.get("x-request-id")

    def parse(self) -> T_co:
        """Return what the method returns without `with_raw_response`; it was decoded with the answer."""
        return self._result


class WithRawResponse:
    """The methods of a noun, each of which gives a `RawResponse`."""

    def __init__(self, noun: Callable[[Transport], object], transport: Transport) -> None:
        """Make the methods.

        Args:
            noun: The class of the noun: each call makes one, with a transport that notes the answer.
            transport: That of the noun itself.
        """
        self._noun = noun
        self._transport = transport


class RawMethod(Generic[N, P, T]):
    """A method of a noun, as it is in ``with_raw_response``."""

    def __init__(self, method: Callable[Concatenate[N, P], Awaitable[T]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(
        self, instance: WithRawResponse, owner: type[WithRawResponse]
    ) -> Callable[P, Coroutine[object, object, RawResponse[T]]]:
        """Return the method of the instance's noun."""

        async def call(*args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
            status = 0
            headers: Mapping[str, str] = {}

            def note(response: "ClientResponse") -> None:
                nonlocal status, headers
                status, headers = response.status, response.headers

            noun = instance._noun(instance._transport.noting(note))
            began = time.perf_counter()
            result = await self._method(noun, *args, **kwargs)  # type: ignore[arg-type]  # the noun of this method
            elapsed = timedelta(seconds=time.perf_counter() - began)
            return RawResponse(result, status=status, headers=headers, elapsed=elapsed)

        return call
