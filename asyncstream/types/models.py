"""The wire structs of models."""

from asyncstream.types.structs import WireStruct

__all__ = ["Model", "ModelDeleted"]


class Model(WireStruct, kw_only=True, gc=False):
    """A model that the server offers."""

    id: str
    object: str = "model"
    created: int = 0
    """Seconds since 1970-01-01 UTC."""
    owned_by: str = ""
    shutdown_date: str | None = None
    """The day on which it is switched off, such as "2026-08-26"; None: none is set."""


class ModelDeleted(WireStruct, kw_only=True, gc=False):
    """The answer to the deletion of a fine-tuned model."""

    id: str
    object: str = "model"
    deleted: bool = False
