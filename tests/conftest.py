"""What tests of several floors share. It also puts this directory on the path, for the helper modules beside it."""

from collections.abc import Iterator

import pytest
from aioresponses import aioresponses
from mocked_aiohttp import mocked_aiohttp


@pytest.fixture
def mocked() -> Iterator[aioresponses]:
    """Answer all requests of aiohttp from memory."""
    with mocked_aiohttp() as mock:
        yield mock


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own key and server out of the tests."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
