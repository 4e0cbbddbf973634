"""The wire structs of files: what was uploaded, or made by a tool, for others to refer to by its id."""

from typing import Literal, TypeAlias

from asyncstream.types.structs import WireStruct

__all__ = ["FileDeleted", "FileObject", "FilePurpose", "FileStatus"]

FilePurpose: TypeAlias = (
    Literal[
        "assistants",
        "assistants_output",
        "batch",
        "batch_output",
        "fine-tune",
        "fine-tune-results",
        "vision",
        "user_data",
    ]
    | str
)

FileStatus: TypeAlias = Literal["uploaded", "processed", "error"] | str
"""Azure also says "pending", "running", "deleting" and "deleted"."""


class FileObject(WireStruct, kw_only=True, gc=False):
    """A file; its content is fetched apart."""

    id: str
    object: str = "file"
    bytes: int = 0
    """Its size."""
    created_at: int = 0
    """Seconds since 1970-01-01 UTC."""
    expires_at: int | None = None
    """Seconds since 1970-01-01 UTC; None: never."""
    filename: str = ""
    purpose: FilePurpose = ""
    status: FileStatus = ""
    status_details: str | None = None
    """Why a fine-tuning file was refused."""


class FileDeleted(WireStruct, kw_only=True, gc=False):
    """The answer to a deletion."""

    id: str
    object: str = "file"
    deleted: bool = False
