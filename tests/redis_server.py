"""A real redis-server on a free port of the loopback, with its data in a directory of the test.

Of which version says `ASYNCSTREAM_REDIS_SERVERS`, if it is set: programs, separated by colons, as `redis_root.sh`
beside this file makes them; each must be there. Most tests use the first one; those of the answers that differ use
them all.
"""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from programs import needed, program

from benchmarks.free_ports import free_port

__all__ = ["PROGRAMS", "RedisServer", "needs_redis"]

PROGRAMS = [
    program(os.path.abspath(name) if "/" in name else name)
    for name in os.environ.get("ASYNCSTREAM_REDIS_SERVERS", "redis-server").split(":")
]

needs_redis = needed(*PROGRAMS)


class RedisServer:
    """One redis-server, that a test can kill and start again on the same port."""

    def __init__(self, directory: Path, *, keeps: bool = True, program: str | None = None) -> None:
        """Start nothing yet.

        Args:
            directory: Where its data are.
            keeps: Whether what it holds survives a restart.
            program: Which redis-server; None for the first there is.
        """
        self.program = program or PROGRAMS[0]
        self.directory = directory
        self.keeps = keeps
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.password = ""
        """What `command` says first, if it is asked for."""
        self._output = directory / "output"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, *options: str) -> None:
        """Start it, and wait until it answers."""
        kept = ["--appendonly", "yes", "--appendfsync", "always"] if self.keeps else ["--appendonly", "no"]
        command = [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        await self._begin([*command, "--save", "", *kept, *options])

    async def start_sentinel(self, *lines: str) -> None:
        """Start it as a Sentinel of so many lines of configuration, and wait until it answers."""
        path = self.directory / "sentinel.conf"
        path.write_text("\n".join([f"port {self.port}", "bind 127.0.0.1", f"dir {self.directory}", *lines, ""]))
        await self._begin([self.program, str(path), "--sentinel"])

    @property
    def running(self) -> bool:
        """It was started and not killed."""
        return self._process is not None

    async def _begin(self, command: list[str]) -> None:
        self._run(command)
        try:
            async with asyncio.timeout(30):
                # Whether another process listens shows only in trying.
                while not await self._answers():
                    if self._process is not None and self._process.poll() is not None:
                        said = self._output.read_text(errors="replace")
                        raise RuntimeError(f"{command[0]} ended with {self._process.returncode}: {said[-500:]}")
                    await asyncio.sleep(0.02)
        except BaseException:
            self.kill()
            raise

    def _run(self, command: list[str]) -> None:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(command, stdout=output)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it stand still: it neither answers nor closes anything."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            # With a password it says so, which is an answer too; while it loads it is none.
            return (await reader.readline()).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False
        finally:
            writer.close()

    async def command(self, *words: str) -> list[str]:
        """Send one command outside of any client; return the lines of its answer.

        Whose role changes closes all connections; it is asked once more.
        """
        try:
            return await self._asked(words)
        except (ConnectionResetError, asyncio.IncompleteReadError):
            return await self._asked(words)

    async def _asked(self, words: tuple[str, ...]) -> list[str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            if self.password:
                writer.write(f"AUTH {self.password}\r\n".encode())
                assert b"+OK\r\n" == await reader.readuntil()
            writer.write(" ".join(words).encode() + b"\r\n")
            line = (await reader.readuntil()).decode().rstrip()
            if line.startswith("$") and line != "$-1":
                size = int(line[1:])
                return (await reader.readexactly(size + 2)).decode().splitlines()
            return [line]
        finally:
            writer.close()

    async def clients(self) -> list[dict[str, str]]:
        """Return what it says of its connections, without the one that asks."""
        lines = await self.command("CLIENT", "LIST")
        found = [dict(pair.split("=", 1) for pair in line.split()) for line in lines if line]
        # Before 7.0 it names the first word alone.
        return [client for client in found if client["cmd"].partition("|")[0] != "client"]
