"""What tests of several floors share. It also puts this directory on the path, for the helper modules beside it."""

import gc
import os
from collections.abc import Iterator

import pytest
from aioresponses import aioresponses
from hypothesis import settings
from mocked_aiohttp import mocked_aiohttp
from programs import pytest_runtest_setup

__all__ = ["mocked", "no_environment", "pytest_runtest_setup"]

# A loaded machine is slow now and then. What costs too much is found by the tests marked `timing`.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


def pytest_collection_finish() -> None:
    """Take what was collected out of the garbage collector's sight: tests that collect would walk it every time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def mocked() -> Iterator[aioresponses]:
    """Answer all requests of aiohttp from memory."""
    with mocked_aiohttp() as mock:
        yield mock


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own key and server out of the tests."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "AZURE_OPENAI_", "ASYNCSTREAM_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
