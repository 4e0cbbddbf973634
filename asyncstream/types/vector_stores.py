"""The wire structs of vector stores, the files in them, batches of these, and what a search finds.

A file in a store has the id of the file itself. Imports `shared`, `structs` and msgspec only.
"""

from typing import ClassVar, Literal, TypeAlias

from msgspec import field

from asyncstream.types.shared import Metadata
from asyncstream.types.structs import WireStruct

__all__ = [
    "FileChunkingStrategy",
    "FileContentResponse",
    "FileCounts",
    "OtherFileChunkingStrategyObject",
    "StaticFileChunkingStrategy",
    "StaticFileChunkingStrategyObject",
    "UnknownFileChunkingStrategy",
    "VectorStore",
    "VectorStoreDeleted",
    "VectorStoreExpiresAfter",
    "VectorStoreFile",
    "VectorStoreFileAttributes",
    "VectorStoreFileBatch",
    "VectorStoreFileDeleted",
    "VectorStoreFileLastError",
    "VectorStoreFileStatus",
    "VectorStoreSearchContent",
    "VectorStoreSearchResponse",
    "VectorStoreStatus",
]

VectorStoreStatus: TypeAlias = Literal["expired", "in_progress", "completed"] | str

VectorStoreFileStatus: TypeAlias = Literal["in_progress", "completed", "cancelled", "failed"] | str
"""Of a file in a store, and of a batch of them."""

VectorStoreFileAttributes: TypeAlias = dict[str, str | int | float | bool]
"""What a search can filter by: at most 16 pairs; keys of up to 64 characters, strings of up to 512."""


class FileCounts(WireStruct, kw_only=True, gc=False):
    """How many files of a store or a batch are in which state."""

    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    total: int = 0


class VectorStoreExpiresAfter(WireStruct, kw_only=True, gc=False):
    """When a store expires."""

    anchor: Literal["last_active_at"] | str = ""
    days: int = 0
    """From 1 to 365."""


class VectorStore(WireStruct, kw_only=True, gc=False):
    """Files, cut up and indexed for search. All times are seconds since 1970-01-01 UTC."""

    id: str
    object: str = "vector_store"
    created_at: int = 0
    name: str | None = None
    description: str | None = None
    usage_bytes: int = 0
    file_counts: FileCounts = field(default_factory=FileCounts)
    status: VectorStoreStatus = ""
    """"completed" is ready for use; an expired one is not."""
    expires_after: VectorStoreExpiresAfter | None = None
    expires_at: int | None = None
    last_active_at: int | None = None
    metadata: Metadata | None = None


class VectorStoreDeleted(WireStruct, kw_only=True, gc=False):
    """The answer to a deletion."""

    id: str
    object: str = "vector_store.deleted"
    deleted: bool = False


# Files in a store.


class StaticFileChunkingStrategy(WireStruct, kw_only=True, gc=False):
    """Chunks of a fixed size, in tokens."""

    max_chunk_size_tokens: int = 0
    chunk_overlap_tokens: int = 0


class StaticFileChunkingStrategyObject(WireStruct, kw_only=True, gc=False, tag_field="type", tag="static"):
    """The file was cut into chunks of a fixed size."""

    type: ClassVar[Literal["static"]] = "static"
    static: StaticFileChunkingStrategy = field(default_factory=StaticFileChunkingStrategy)


class OtherFileChunkingStrategyObject(WireStruct, kw_only=True, gc=False, tag_field="type", tag="other"):
    """The file was cut before the server kept note of how."""

    type: ClassVar[Literal["other"]] = "other"


class UnknownFileChunkingStrategy(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A chunking strategy that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


FileChunkingStrategy: TypeAlias = (
    StaticFileChunkingStrategyObject | OtherFileChunkingStrategyObject | UnknownFileChunkingStrategy
)


class VectorStoreFileLastError(WireStruct, kw_only=True, gc=False):
    """Why a file could not be indexed."""

    code: Literal["server_error", "unsupported_file", "invalid_file"] | str = ""
    message: str = ""


class VectorStoreFile(WireStruct, kw_only=True, gc=False):
    """A file in a store."""

    id: str
    """That of the file."""
    object: str = "vector_store.file"
    created_at: int = 0
    """Seconds since 1970-01-01 UTC."""
    vector_store_id: str = ""
    usage_bytes: int = 0
    """What it takes in the store, which is not the file's own size."""
    status: VectorStoreFileStatus = ""
    last_error: VectorStoreFileLastError | None = None
    chunking_strategy: FileChunkingStrategy | None = None
    attributes: VectorStoreFileAttributes | None = None


class VectorStoreFileDeleted(WireStruct, kw_only=True, gc=False):
    """The answer to taking a file out of a store; the file itself stays."""

    id: str
    object: str = "vector_store.file.deleted"
    deleted: bool = False


class FileContentResponse(WireStruct, kw_only=True, gc=False):
    """A piece of the text that was read from a file in a store."""

    type: str = ""
    text: str = ""


class VectorStoreFileBatch(WireStruct, kw_only=True, gc=False):
    """Files that were put into a store together."""

    id: str
    object: str = "vector_store.files_batch"
    """Servers say "vector_store.file_batch"."""
    created_at: int = 0
    """Seconds since 1970-01-01 UTC."""
    vector_store_id: str = ""
    status: VectorStoreFileStatus = ""
    file_counts: FileCounts = field(default_factory=FileCounts)


# Search.


class VectorStoreSearchContent(WireStruct, kw_only=True, gc=False):
    """A piece of a file that a search found."""

    type: Literal["text"] | str = ""
    text: str = ""


class VectorStoreSearchResponse(WireStruct, kw_only=True, gc=False):
    """A file that a search found, with the pieces that fit."""

    file_id: str = ""
    filename: str = ""
    score: float = 0.0
    """From 0 to 1."""
    attributes: VectorStoreFileAttributes | None = None
    content: list[VectorStoreSearchContent] = []
