"""The page of the browser example, and the headers that it is served with. No framework, no IO after the import.

The policy names the page's own style and script by their hashes: nothing else may run on it, whatever a model writes.
"""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

__all__ = ["PAGE", "PAGE_HEADERS"]

PAGE = files("asyncstream.examples.web").joinpath("page.html").read_text("utf-8")


def _hashes(tag: str) -> str:
    texts = [part.partition(f"</{tag}>")[0] for part in PAGE.split(f"<{tag}>")[1:]]
    return " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts)


PAGE_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_hashes('script')}; style-src {_hashes('style')}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
