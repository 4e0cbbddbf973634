"""What becomes of a file in a vector store. Data only; `scenario` holds the outcomes, `library` lets them happen."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["FileOutcome"]


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """The end of the processing of a file.

    Args:
        status: How it ends.
        seconds: After how long; None: the scenario's `processing`.
        code: Of the error, if it fails: "server_error", "unsupported_file" or "invalid_file".
        message: Of the error.
    """

    status: Literal["completed", "failed", "cancelled"] = "completed"
    seconds: float | None = None
    code: str = "server_error"
    message: str = "The file could not be processed."
