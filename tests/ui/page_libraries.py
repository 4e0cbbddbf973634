"""The libraries that pages are written with, in Node: installed once into a cache, and asked what a page would show."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PAGES = Path(__file__).parent / "pages"


def _installed() -> Path:
    """Return the folder in which the pinned packages are, installed at the first time."""
    pinned = PAGES.joinpath("package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "asyncstream-tests"
    folder = cache / f"pages-{hashlib.sha256(pinned).hexdigest()[:16]}"
    if not folder.exists():
        fresh = cache / f"{folder.name}.{os.getpid()}"
        fresh.mkdir(parents=True)
        fresh.joinpath("package.json").write_bytes(pinned)
        command = ["npm", "install", "--no-audit", "--no-fund", "--foreground-scripts"]
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(fresh)
            why = f"npm could not install the libraries of pages: {done.stderr[-300:]}"
            if os.environ.get("CI"):
                pytest.fail(why)
            pytest.skip(why)
        try:
            fresh.rename(folder)
        except OSError:
            # Another test was first.
            shutil.rmtree(fresh)
    return folder


@pytest.fixture(scope="session")
def libraries() -> Path:
    """Give the folder in which the libraries of pages are."""
    return _installed()


async def shown(folder: Path, library: str, url: str, messages: Any = None) -> dict[str, Any]:
    """Return what a page of a library shows of an answer.

    Args:
        folder: Where the libraries are.
        library: One of `read.mjs`.
        url: What is posted to.
        messages: What is posted; None for a first question.
    """
    more = [] if messages is None else [json.dumps(messages)]
    return await run_script(folder, "read.mjs", library, url, *more)


async def run_script(folder: Path, name: str, *arguments: str) -> dict[str, Any]:
    """Return what a script of `pages` prints, run where the libraries are."""
    script = folder / f"{os.getpid()}-{name}"
    shutil.copyfile(PAGES / name, script)
    node = folder / "node_modules" / "node" / "bin" / "node"
    process = await asyncio.create_subprocess_exec(
        str(node), str(script), *arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    found: dict[str, Any] = json.loads(out)
    return found
