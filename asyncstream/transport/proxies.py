"""Which proxy a request goes through, as the environment says; and what makes the URL of one. Opens nothing.

Above it: `transport.connections`, which asks once for each origin. Below it: `urllib.request`, which finds the
variables, or what macOS and Windows have in their place.

Rule 1: an error names the variable and the scheme, and never the URL: its password is in there.
Rule 2: no name is resolved here: a network in ``NO_PROXY`` is for hosts that are written as addresses.
"""

import os
import re
import urllib.request
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from yarl import URL

from asyncstream.errors import ConfigurationError

__all__ = ["bypasses", "parse_proxy", "proxy_from_environment"]

_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*)://"

_PORT = r"(.*):([0-9]{1,5})"


def parse_proxy(proxy: str, source: str) -> URL:
    """Return the URL of a proxy, with its user and password.

    Args:
        proxy: The URL.
        source: Where it was given, for the error.

    Raises:
        ConfigurationError: It is no absolute http or https URL. The message names its scheme, and does not repeat it.
    """
    try:
        url = URL(proxy)
    except (ValueError, TypeError):
        url = URL()
    if url.scheme in ("http", "https") and url.host:
        return url
    found = re.match(_SCHEME, proxy) if isinstance(proxy, str) else None
    if found is not None and found[1].lower() not in ("http", "https"):
        raise ConfigurationError(
            f"{source} has the scheme {found[1].lower()!r}, but a proxy is reached by http:// or https:// only; "
            "for another kind give the client a connector (`connector=`)"
        )
    raise ConfigurationError(f"{source} must be an absolute http:// or https:// URL")


def proxy_from_environment(origin: URL) -> URL | None:
    """Return the proxy for an origin: of ``HTTPS_PROXY`` or ``HTTP_PROXY``, else of ``ALL_PROXY``; None is none.

    Raises:
        ConfigurationError: What is there for this origin cannot be used.
    """
    proxies = urllib.request.getproxies()
    kind = origin.scheme if proxies.get(origin.scheme) else "all"
    found = proxies.get(kind)
    if not found or _is_exception(origin):
        return None
    # "proxy:3128", as curl and others take it.
    return parse_proxy(found if "://" in found else f"http://{found}", _source(kind, found))


def _source(kind: str, found: str) -> str:
    """Return the name of the variable that a proxy is from."""
    name = f"{kind}_proxy"
    for variable in (name, *os.environ):
        if variable.lower() == name and os.environ.get(variable, "").strip() == found.strip():
            return f"the environment variable {variable}"
    return f"the system's proxy for {kind}"


def _is_exception(origin: URL) -> bool:
    host, port = origin.host or "", origin.port or 0
    variables = urllib.request.getproxies_environment()
    if variables:
        return bypasses(variables.get("no", ""), host, port)
    # Where the system has settings of its own, only it can read them.
    return bool(urllib.request.proxy_bypass(f"{host}:{port}"))


def bypasses(exceptions: str, host: str, port: int) -> bool:
    """Tell whether ``NO_PROXY`` excepts a host.

    Its entries are parted by commas or blanks: ``*`` is every host; ``example.com``, ``.example.com`` and
    ``*.example.com`` are that name and all below it; an address is itself, however it is written; ``10.0.0.0/8`` or
    ``fd00::/8`` is every address in it. Each may end in a port, which then must be the request's; an IPv6 address has
    brackets then.

    Args:
        exceptions: What the variable says.
        host: The request's, without brackets.
        port: The request's.
    """
    name = host.lower().rstrip(".")
    address = _address(name)
    return any(_matches(entry.lower(), name, address, port) for entry in re.split(r"[\s,]+", exceptions) if entry)


def _matches(entry: str, name: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    entry, wanted = _split_port(entry)
    if wanted is not None and wanted != port:
        return False
    if entry == "*":
        return True
    if address is not None:
        if "/" not in entry:
            return _address(entry) == address
        try:
            return address in ip_network(entry, strict=False)
        except ValueError:
            return False
    entry = entry.removeprefix("*").strip(".")
    return bool(entry) and (name == entry or name.endswith(f".{entry}"))


def _split_port(entry: str) -> tuple[str, int | None]:
    """Return an entry without its brackets and its port, and the port."""
    found = re.fullmatch(_PORT, entry)
    port = None
    # Without brackets, two colons are an IPv6 address, and what follows the last one is a part of it.
    if found is not None and (":" not in found[1] or found[1].endswith("]")):
        entry, port = found[1], int(found[2])
    if entry.startswith("["):
        entry = entry[1:].replace("]", "", 1)
    return entry, port


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        # A zone says which interface, not which host.
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
