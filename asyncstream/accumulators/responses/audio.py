"""A spoken answer, which stands beside the items: what was said, and its sound. Pure. Rule 9.20."""

from msgspec import Struct

from asyncstream.accumulators.responses.payloads import JSONObject, text_of
from asyncstream.accumulators.responses.texts import GrowingText
from asyncstream.halves import mend_halves

__all__ = ["GrowingAudio", "ResponseAudio"]


class ResponseAudio(Struct, frozen=True, gc=False):
    """A spoken answer; false if none came."""

    data: str | None = None
    """The sound, in base64; None where none came."""
    transcript: str | None = None
    """What is said; None where nothing came."""

    def __bool__(self) -> bool:
        return self.data is not None or self.transcript is not None


class GrowingAudio:
    """A spoken answer as it grows."""

    __slots__ = ("_data", "transcript")

    def __init__(self) -> None:
        self._data: list[str] = []
        self.transcript = GrowingText()

    def fold(self, name: str, payload: JSONObject) -> None:
        """Join a delta of the sound, or of what is said; that they are whole says nothing new."""
        delta = text_of(payload.get("delta"))
        if delta and name == "response.audio.delta":
            self._data.append(delta)
        elif delta and name == "response.audio.transcript.delta":
            self.transcript.add(delta)

    def built(self) -> ResponseAudio:
        """Build it as it is now."""
        # Half of a surrogate pair is no base64, but may have been sent: whoever encodes the text must not fail.
        data = "".join(self._data)
        data = data if data.isascii() else mend_halves(data)
        return ResponseAudio(data or None, self.transcript.text() or None)
