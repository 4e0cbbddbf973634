"""The request bodies of vector stores, of the files in them, and of searches.

`file_id`, `attributes` of an update, and `query` are parameters of the methods.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Required, TypeAlias, TypedDict

from asyncstream.params.shared import FileChunkingStrategyParam
from asyncstream.types.shared import Metadata

__all__ = [
    "ComparisonFilterParam",
    "CompoundFilterParam",
    "VectorStoreCreateParams",
    "VectorStoreExpiresAfterParam",
    "VectorStoreFileAttributesParam",
    "VectorStoreFileBatchCreateParams",
    "VectorStoreFileCreateParams",
    "VectorStoreFileFilter",
    "VectorStoreFileParam",
    "VectorStoreRankingOptionsParam",
    "VectorStoreSearchParams",
    "VectorStoreUpdateParams",
]

VectorStoreFileFilter: TypeAlias = Literal["in_progress", "completed", "failed", "cancelled"]
"""A value of the query parameter `filter`: only files with this status."""

VectorStoreFileAttributesParam: TypeAlias = Mapping[str, str | float | bool]
"""What a search can filter by: at most 16 pairs; keys of up to 64 characters, strings of up to 512."""


class VectorStoreExpiresAfterParam(TypedDict):
    """When the store expires."""

    anchor: Literal["last_active_at"]
    days: int
    """From 1 to 365."""


class VectorStoreCreateParams(TypedDict, total=False):
    """POST /vector_stores."""

    name: str
    description: str
    file_ids: list[str]
    """At most 500."""
    chunking_strategy: FileChunkingStrategyParam
    """Needs `file_ids`."""
    expires_after: VectorStoreExpiresAfterParam
    metadata: Metadata | None


class VectorStoreUpdateParams(TypedDict, total=False):
    """POST /vector_stores/{vector_store_id}."""

    name: str | None
    expires_after: VectorStoreExpiresAfterParam | None
    """None: never."""
    metadata: Metadata | None


class VectorStoreFileCreateParams(TypedDict, total=False):
    """POST /vector_stores/{vector_store_id}/files, without `file_id`."""

    chunking_strategy: FileChunkingStrategyParam
    attributes: VectorStoreFileAttributesParam | None


class VectorStoreFileParam(VectorStoreFileCreateParams, total=False):
    """A file of a batch that has settings of its own."""

    file_id: Required[str]


class VectorStoreFileBatchCreateParams(TypedDict, total=False):
    """POST /vector_stores/{vector_store_id}/file_batches; either `file_ids` or `files`, at most 2,000."""

    file_ids: list[str]
    files: Sequence[VectorStoreFileParam]
    chunking_strategy: FileChunkingStrategyParam
    """For all of `file_ids`."""
    attributes: VectorStoreFileAttributesParam | None
    """For all of `file_ids`."""


class ComparisonFilterParam(TypedDict):
    """Files whose attribute compares so with a value."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: str
    value: str | float | bool | Sequence[str | float]


class CompoundFilterParam(TypedDict):
    """Files that fit all of some filters, or one of them."""

    type: Literal["and", "or"]
    filters: "Sequence[ComparisonFilterParam | CompoundFilterParam]"


class VectorStoreRankingOptionsParam(TypedDict, total=False):
    """How a search ranks what it finds."""

    ranker: Literal["none", "auto", "default-2024-11-15"]
    score_threshold: float
    """From 0 to 1; results below it are left out."""


class VectorStoreSearchParams(TypedDict, total=False):
    """POST /vector_stores/{vector_store_id}/search, without `query`."""

    filters: ComparisonFilterParam | CompoundFilterParam
    max_num_results: int
    """From 1 to 50; absent: 10."""
    ranking_options: VectorStoreRankingOptionsParam
    rewrite_query: bool
    """True lets the server word the query anew; the result says how."""
