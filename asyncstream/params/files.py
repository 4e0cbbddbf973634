"""The request bodies of files.

`file` and `purpose` are parameters of the method; what a file can be is in `uploads`. A body with a file goes as a
form, not as JSON.
"""

from typing import Literal, TypeAlias, TypedDict

__all__ = [
    "FileCreateParams",
    "FileExpiresAfterParam",
    "FilePurposeParam",
]

FilePurposeParam: TypeAlias = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]


class FileExpiresAfterParam(TypedDict):
    """When the server may delete the file."""

    anchor: Literal["created_at"]
    seconds: int
    """From 3,600 (an hour) to 2,592,000 (30 days)."""


class FileCreateParams(TypedDict, total=False):
    """POST /files, without `file` and `purpose`."""

    expires_after: FileExpiresAfterParam
    """Absent: files for batches expire after 30 days, others do not."""
