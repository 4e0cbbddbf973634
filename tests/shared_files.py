"""Where the published schema, fixtures and recorded traffic lie: beside the repository, where a machine has them.

They are no part of the package. A test that needs one is skipped, with a reason, where it is absent.
"""

from pathlib import Path

import pytest

__all__ = ["SHARED", "needs_shared"]

SHARED = Path(__file__).parents[1].parent / "shared"


def needs_shared(*parts: str) -> pytest.MarkDecorator:
    """Skip a test where a shared file or directory is absent."""
    return pytest.mark.skipif(not SHARED.joinpath(*parts).exists(), reason=f"no {parts[-1]} beside the repository")
