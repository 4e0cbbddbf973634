"""`UIMessages`: changes as the parts of a UI message stream, which `useChat` and assistant-ui read. Pure.

The words of one protocol of pages; what is told when is decided by `answer`. Its parts are those that the schema of
the npm package `ai`, versions 6 and 7, has.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
"""

from collections.abc import Callable
from typing import Final, Literal
from uuid import uuid4

from asyncstream.errors import ConfigurationError
from asyncstream.ui.answer import Answer, Call, End, Part, Said
from asyncstream.ui.found import File, Source
from asyncstream.ui.open_parts import OpenParts

__all__ = ["APPROVAL", "UIMessages"]

APPROVAL: Final = "approve-"
"""What the id of an approval begins with; the id of its call follows."""


class UIMessages:
    """One assistant message of a page, from the changes of one stream.

    Each verb returns parts, dicts for ``data:`` frames; after the one that ends the message they return none.

    Args:
        message_id: The id of the message, which must be the same whenever it is sent; None makes one up.
        version: Of the npm package `ai`: 6 or 7.
        file_url: Gives the address under which a page finds a file of the server, by the file's id. Without it a page
            is told the id alone, in a part `data-file`.

    Raises:
        ConfigurationError: Another version.
    """

    def __init__(
        self,
        *,
        message_id: str | None = None,
        version: Literal[6, 7] = 6,
        file_url: Callable[[str], str] | None = None,
    ) -> None:
        if version not in (6, 7):
            raise ConfigurationError(f"expected version to be 6 or 7, got {version!r}")
        self._answer = Answer(_Parts(message_id or f"msg_{uuid4().hex}", file_url))

    def start(self) -> list[Part]:
        """Open the message; the first `push` does it, if this was not called."""
        return self._answer.start()

    def push(self, change: object) -> list[Part]:
        """Say what a change of `stream.changes` says."""
        return self._answer.push(change)

    def ask(self, call_ids: "list[str]") -> list[Part]:
        """Ask for a word on calls, as `RoundDone` does for all that are open if it says "later".

        Args:
            call_ids: The ids of the calls in their answer.
        """
        return self._answer.ask(call_ids)

    def data(self, name: str, value: object) -> list[Part]:
        """Say something of your own: a part ``data-NAME``."""
        return self._answer.note(name, value)

    def finish(self) -> list[Part]:
        """End the message: complete, or failed or given up, if a change said that."""
        return self._answer.finish()

    def fail(self, error: BaseException | str, *, code: str | None = None) -> list[Part]:
        """Close what is open, give each pending call an error, and say that the answer failed.

        Args:
            error: The words that the page shows; of an exception nothing is told but that the answer broke off, for
                its message may hold what browsers may not know.
            code: A word for programs; this protocol has no place for it.
        """
        return self._answer.fail(error, code)

    def abort(self, reason: str) -> list[Part]:
        """Close what is open, give each pending call an error, and say that the answer was given up."""
        return self._answer.leave(reason)


class _Parts:
    """Writes the parts."""

    def __init__(self, message_id: str, file_url: Callable[[str], str] | None) -> None:
        self._message_id = message_id
        self._file_url = file_url
        self._open = OpenParts()

    def _told(self, *parts: Part) -> list[Part]:
        for part in parts:
            self._open.take(part)
        return [*parts]

    def begins(self) -> list[Part]:
        return self._told({"type": "start", "messageId": self._message_id})

    def step_begins(self, step: int) -> list[Part]:
        return self._told({"type": "start-step"})

    def step_ends(self, step: int) -> list[Part]:
        return self._told({"type": "finish-step"})

    def text_begins(self, said: Said) -> list[Part]:
        return self._told({"type": "text-start", "id": said.number})

    def text_grows(self, said: Said, piece: str) -> list[Part]:
        return [{"type": "text-delta", "id": said.number, "delta": piece}]

    def text_ends(self, said: Said) -> list[Part]:
        return self._told({"type": "text-end", "id": said.number})

    def thought_begins(self, said: Said) -> list[Part]:
        return self._told({"type": "reasoning-start", "id": said.number})

    def thought_grows(self, said: Said, piece: str) -> list[Part]:
        return [{"type": "reasoning-delta", "id": said.number, "delta": piece}]

    def thought_ends(self, said: Said, sealed: str) -> list[Part]:
        part: Part = {"type": "reasoning-end", "id": said.number}
        if sealed:
            part["providerMetadata"] = {"asyncstream": {"itemId": str(said.parent), "encryptedContent": sealed}}
        return self._told(part)

    def call_begins(self, call: Call) -> list[Part]:
        part = _of_call("tool-input-start", call, named=True)
        if call.as_text:
            part["inputEncoding"] = "text"
        return self._told(part)

    def call_grows(self, call: Call, piece: str) -> list[Part]:
        return [{"type": "tool-input-delta", "toolCallId": call.id, "inputTextDelta": piece}]

    def call_ready(self, call: Call, input: object) -> list[Part]:
        return self._told(_of_call("tool-input-available", call, named=True, input=input))

    def call_broken(self, call: Call, input: object, words: str) -> list[Part]:
        return self._told(_of_call("tool-input-error", call, named=True, input=input, errorText=words))

    def call_asks(self, call: Call) -> list[Part]:
        approval_id = f"{APPROVAL}{call.id}"
        return self._told({"type": "tool-approval-request", "approvalId": approval_id, "toolCallId": call.id})

    def call_reports(self, call: Call, output: object) -> list[Part]:
        return self._told(_of_call("tool-output-available", call, output=output, preliminary=True))

    def call_returns(self, call: Call, output: object) -> list[Part]:
        return self._told(_of_call("tool-output-available", call, output=output))

    def call_fails(self, call: Call, words: str) -> list[Part]:
        return self._told(_of_call("tool-output-error", call, errorText=words))

    def call_denied(self, call: Call, words: str) -> list[Part]:
        return self._told({"type": "tool-output-denied", "toolCallId": call.id})

    def source(self, source: Source) -> list[Part]:
        if source.is_page:
            part: Part = {"type": "source-url", "sourceId": source.id, "url": source.id}
            return [{**part, "title": source.title} if source.title else part]
        kind = {"type": "source-document", "mediaType": "application/octet-stream"}
        return [{**kind, "sourceId": source.id, "title": source.title, "filename": source.title}]

    def file(self, file: File) -> list[Part]:
        url = file.url or (self._file_url(file.file_id) if self._file_url is not None else "")
        if not url:
            return self.note("file", {"fileId": file.file_id, "mediaType": file.media_type})
        return [{"type": "file", "url": url, "mediaType": file.media_type}]

    def note(self, name: str, value: object) -> list[Part]:
        return [{"type": f"data-{name}", "data": value}]

    def closes(self, words: str | None) -> list[Part]:
        return self._open.closing(words)

    def ends(self, end: End) -> list[Part]:
        part: Part = {"type": "finish", "finishReason": end.reason}
        return [{**part, "messageMetadata": {"usage": {**end.usage}}} if end.usage else part]

    def fails(self, words: str, code: str | None) -> list[Part]:
        return [{"type": "error", "errorText": words}]

    def leaves(self, reason: str) -> list[Part]:
        return [{"type": "abort", "reason": reason}]


def _of_call(type: str, call: Call, *, named: bool = False, **members: object) -> Part:
    """Return a part of a call. Its tools are unknown to the page's types, so it is dynamic."""
    part: Part = {"type": type, "toolCallId": call.id}
    if named:
        part["toolName"] = call.name
    part.update(members)
    part["dynamic"] = True
    if call.hosted:
        part["providerExecuted"] = True
    return part
