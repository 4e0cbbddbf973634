"""A picture that the server's own tool makes, with those that are shown before it is done. Pure.

Rule 9.20. Above it: `kinds`; below it: `items`.
"""

from typing import Any

from asyncstream.accumulators.changes import ChangeSink
from asyncstream.accumulators.merging import Indexed
from asyncstream.accumulators.responses.changes import ItemChange
from asyncstream.accumulators.responses.items import GrowingItem, Told
from asyncstream.types.responses_items import ImageGenerationCall, ResponseOutputItem

__all__ = ["PictureItem"]


class PictureItem(GrowingItem):
    """A picture."""

    __slots__ = ("_partial_images",)

    def __init__(self, kind: str, **known: Any) -> None:
        super().__init__(kind, **known)
        self._partial_images: Indexed[str] = Indexed()

    def show(self, index: int | None, picture: str, changes: ChangeSink[ItemChange]) -> None:
        """Keep a picture that is shown before it is done; another of the same number takes its place."""
        if picture:
            self.built = None
            place = self._partial_images.put(index, picture)
            changes.append(self.changed(Told(self, f"partial_image[{place}]"), ""))

    def finish_struct(self, built: ResponseOutputItem[Any]) -> ResponseOutputItem[Any]:
        """Set the pictures that were shown."""
        if isinstance(built, ImageGenerationCall):
            built.partial_images = self._partial_images.listed()
        return built
