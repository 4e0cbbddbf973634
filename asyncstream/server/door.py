"""The way from a raw request to a handler: recording, faults, the key, the headers, and every error as OpenAI's JSON.

The order is the real server's: what is wrong with the request as such comes before what is wrong with its content.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from asyncstream.server.calls import Call, Handler, Service, json_reply
from asyncstream.server.problems import WireError
from asyncstream.server.scenario import Fault, SeenRequest
from asyncstream.server.streams import drop_connection

__all__ = ["door", "give_request_id", "open_handler"]

# The same of aiohttp's own names, but their names resolve for type checkers alone.
WebHandler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BETA_PATHS = ("/v1/assistants", "/v1/threads", "/v1/vector_stores")
_BETA = "assistants=v2"


async def give_request_id(_: web.BaseRequest, response: web.StreamResponse) -> None:
    """Put the headers on a response that each of OpenAI's has."""
    response.headers.setdefault("x-request-id", f"req_{uuid.uuid4().hex}")
    response.headers.setdefault("openai-version", "2020-10-01")


def open_handler(service: Service, handler: Handler) -> WebHandler:
    """Return a handler of ours as aiohttp calls it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(Call(service, request, await request.read()))

    return handle


def door(service: Service, api_key: str | None) -> Middleware:
    """Return the middleware that every request passes."""

    @web.middleware
    async def enter(request: web.Request, handler: WebHandler) -> web.StreamResponse:
        raw = await request.read()
        service.scenario.requests.append(_seen(request, raw))
        try:
            fault = service.scenario.next_fault(request.method, request.path)
            if fault is not None:
                response = await _misbehave(request, fault)
                if response is not None:
                    return response
            _check_key(request.headers, api_key)
            return await _handle(request, handler, raw)
        except WireError as error:
            return json_reply(error.body(), error.status)

    return enter


async def _handle(request: web.Request, handler: WebHandler, raw: bytes) -> web.StreamResponse:
    known = request.match_info.http_exception is None
    if known and request.path.startswith(_BETA_PATHS) and _BETA not in request.headers.get("OpenAI-Beta", ""):
        raise WireError(400, f"This endpoint needs the header 'OpenAI-Beta: {_BETA}'.", code="invalid_beta")
    if known and raw and request.content_type not in ("application/json", "multipart/form-data"):
        raise WireError(
            415,
            f"The content type is 'application/json', not '{request.headers.get('Content-Type', '')}'.",
            code="unsupported_content_type",
        )
    try:
        response = await handler(request)
    except web.HTTPMethodNotAllowed as error:
        wrong = WireError(405, f"{request.method} is not allowed for {request.path}.", code="method_not_supported")
        return json_reply(wrong.body(), 405, {"Allow": ", ".join(sorted(error.allowed_methods))})
    except web.HTTPNotFound:
        raise WireError(404, f"There is no such URL: {request.method} {request.path}.", code="unknown_url") from None
    except web.HTTPException as error:
        raise WireError(error.status, error.reason) from None
    except (WireError, ConnectionError):
        raise
    except Exception as error:
        # Loud in the test that meets it: the server's log is switched off.
        raise WireError(500, f"the embedded server failed: {error!r}") from error
    return response


async def _misbehave(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.drop is not None:
        await drop_connection(request, fault.drop)
        return web.Response()
    if fault.status is None:
        return None
    headers = dict(fault.headers)
    match fault.body:
        case None:
            body = msgspec.json.encode(WireError(fault.status, f"scripted fault {fault.status}").body())
        case bytes():
            body = fault.body
        case str():
            body = fault.body.encode()
        case _:
            body = msgspec.json.encode(fault.body)
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "text/plain" if isinstance(fault.body, str | bytes) else "application/json"
    return web.Response(body=body, status=fault.status, headers=headers)


def _check_key(headers: Mapping[str, str], api_key: str | None) -> None:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    # Azure's classic endpoints take the key in a header of its own.
    given = token.strip() if scheme.lower() == "bearer" else headers.get("api-key", "")
    if not given:
        raise WireError(401, "No API key came with the request: send it as 'Authorization: Bearer KEY'.")
    if api_key is not None and given != api_key:
        raise WireError(401, "The API key is not the right one.", code="invalid_api_key")


def _seen(request: web.Request, raw: bytes) -> SeenRequest:
    try:
        body = msgspec.json.decode(raw) if raw else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    return SeenRequest(
        request.method,
        request.path,
        query=request.query,
        headers=request.headers,
        body=body if isinstance(body, dict) else None,
        raw=raw,
    )
