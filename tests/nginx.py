"""A real nginx on a free port of the loopback, as its package configures it but for the paths."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from programs import needed, program

from benchmarks.free_ports import free_port

__all__ = ["needs_nginx", "nginx"]

_PROGRAM = program("nginx")

needs_nginx = needed(_PROGRAM)

_CONFIG = """
daemon off; master_process off; pid {directory}/pid; error_log {directory}/errors;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://{upstream}; {options} }}
  }}
}}
"""


@asynccontextmanager
async def nginx(directory: Path, upstream: str, options: str = "") -> AsyncIterator[int]:
    """Run nginx before an upstream; give its port.

    Args:
        directory: Where its files are.
        upstream: ``host:port``, or ``unix:path``.
        options: What else stands in its configuration, such as ``proxy_http_version 1.1;``.
    """
    port = free_port()
    config = directory / "nginx.conf"
    config.write_text(_CONFIG.format(directory=directory, port=port, upstream=upstream, options=options))
    process = _run([_PROGRAM, "-c", str(config), "-p", str(directory)])
    try:
        async with asyncio.timeout(20):
            while not await _listens(port):  # noqa: ASYNC110 - whether another process listens shows only in trying
                await asyncio.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


def _run(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
