"""A web worker of a test: `python relay_worker.py URL`. It relays runs of a Redis, and prints the port it listens on.

POST /runs/ID?events=N&rate=R starts a run of so many events, so many a second; GET /runs/ID follows it.
"""

import asyncio
import sys

from aiohttp import web
from feeds import many

from asyncstream.relay.log.redis_store import RedisStore
from asyncstream.relay.log.run_log import RunLog


async def main(url: str) -> None:
    log = RunLog(RedisStore(url, owner_ttl=1.5))

    async def start(request: web.Request) -> web.Response:
        events = many(int(request.query["events"]), rate=float(request.query["rate"]))
        await log.start(request.match_info["id"], events)
        return web.Response(status=201)

    async def follow(request: web.Request) -> web.StreamResponse:
        return await log.respond(request, request.match_info["id"])

    app = web.Application()
    app.add_routes([web.post("/runs/{id}", start), web.get("/runs/{id}", follow)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
