"""What stands between a worker and its Redis: a way that is reset, stands still, or leads to another Redis."""

import asyncio
import socket
import struct
from typing import Self

__all__ = ["RedisProxy"]


class RedisProxy:
    """A port of the loopback that leads to another one.

    Attributes:
        target: The port that new connections lead to.
        stalled: Nothing goes through, and nothing is closed.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.stalled = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The URL of the Redis that it leads to."""
        return f"redis://127.0.0.1:{self.port}/0"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def reset(self) -> None:
        """Reset all connections, as a firewall does that has forgotten them."""
        for writer in self._writers:
            found = writer.get_extra_info("socket")
            try:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                # It is closed already.
                continue
            writer.transport.abort()

    def silence(self) -> None:
        """Let nothing pass any more on the connections that are there, which stay open; new ones are led on."""
        self._silent |= self._writers

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._lead(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, there_writer}
        self._writers |= both
        loop = asyncio.get_running_loop()
        ways = [
            loop.create_task(self._pump(reader, there_writer)),
            loop.create_task(self._pump(there_reader, writer)),
        ]
        try:
            await asyncio.wait(ways)
        finally:
            self._writers -= both
            self._silent -= both
            for way in ways:
                way.cancel()
            for one in both:
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                while self.stalled or writer in self._silent:  # noqa: ASYNC110 - a test switches it as it likes
                    await asyncio.sleep(0.02)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()
