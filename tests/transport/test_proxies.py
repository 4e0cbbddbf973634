"""Which proxy the environment names for an origin, which hosts it excepts, what is said of one of no use."""

import pytest
from yarl import URL

from asyncstream.errors import ConfigurationError
from asyncstream.transport.proxies import bypasses, parse_proxy, proxy_from_environment

PASSWORD = "proxy-secret-1"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("http", "https", "all", "no"):
        for name in (f"{kind}_proxy", f"{kind}_proxy".upper()):
            monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("exceptions", "host", "port", "expected"),
    [
        # Names.
        ("example.com", "example.com", 443, True),
        ("example.com", "EXAMPLE.com.", 443, True),
        ("Example.COM.", "example.com", 443, True),
        ("example.com", "api.example.com", 443, True),
        ("example.com", "notexample.com", 443, False),
        (".example.com", "example.com", 443, True),
        (".example.com", "api.example.com", 443, True),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.org", 443, False),
        ("api.example.com", "example.com", 443, False),
        ("one.test, two.test", "two.test", 443, True),
        ("one.test two.test", "two.test", 443, True),
        # Everything, nothing.
        ("*", "example.com", 443, True),
        ("one.test,*", "10.0.0.1", 80, True),
        ("", "example.com", 443, False),
        (" , .", "example.com", 443, False),
        # Ports.
        ("example.com:8080", "example.com", 8080, True),
        ("example.com:8080", "example.com", 443, False),
        ("10.0.0.1:8080", "10.0.0.1", 8080, True),
        ("10.0.0.1:8080", "10.0.0.1", 80, False),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("*:8080", "example.com", 8080, True),
        ("*:8080", "example.com", 80, False),
        ("example.com:" + "9" * 5000, "example.com", 443, False),
        # Addresses.
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1", "127.0.0.11", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("0:0:0:0:0:0:0:1", "::1", 80, True),
        ("fe80::1", "fe80::1%eth0", 80, True),
        ("10.0.0.1", "::ffff:10.0.0.1", 80, True),
        ("localhost", "127.0.0.1", 80, False),
        ("0.0.1", "10.0.0.1", 80, False),
        # Networks.
        ("10.0.0.0/8", "10.200.3.4", 80, True),
        ("10.0.0.0/8", "11.0.0.1", 80, False),
        ("10.1.2.3/8", "10.200.3.4", 80, True),
        ("10.0.0.0/8", "::ffff:10.0.0.1", 80, True),
        ("10.0.0.0/8:8080", "10.0.0.1", 80, False),
        ("10.0.0.0/8:8080", "10.0.0.1", 8080, True),
        ("fd00::/8", "fd12:3456::1", 80, True),
        ("[fd00::]/8", "fd12:3456::1", 80, True),
        ("fd00::/8", "fe80::1", 80, False),
        ("10.0.0.0/8", "fd00::1", 80, False),
        ("10.0.0.0/8", "ten.test", 80, False),
        ("10.0.0.0/99", "10.0.0.1", 80, False),
        ("no/network", "10.0.0.1", 80, False),
    ],
)
def test_no_proxy_excepts(exceptions: str, host: str, port: int, expected: bool) -> None:
    assert bypasses(exceptions, host, port) is expected


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "SOCKS4"])
def test_a_scheme_that_cannot_be_used_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    monkeypatch.setenv(name, f"{scheme}://user:{PASSWORD}@proxy.test:1080")

    with pytest.raises(ConfigurationError, match=f"{name} has the scheme '{scheme.lower()}'") as caught:
        proxy_from_environment(URL("https://api.test"))

    assert PASSWORD not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


def test_only_a_proxy_that_would_be_used_has_to_be_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.test:1080")
    monkeypatch.setenv("HTTPS_PROXY", "http://other.test:3128")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8")

    assert proxy_from_environment(URL("https://api.test")) == URL("http://other.test:3128")
    assert proxy_from_environment(URL("http://10.1.2.3")) is None
    with pytest.raises(ConfigurationError, match="ALL_PROXY"):
        proxy_from_environment(URL("http://api.test"))


@pytest.mark.parametrize("value", [f"http://user:{PASSWORD}@", f"{PASSWORD}@:::", f"https:{PASSWORD}"])
def test_what_is_no_url_is_not_repeated(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)

    with pytest.raises(ConfigurationError, match="HTTPS_PROXY must be an absolute http:// or https:// URL") as caught:
        proxy_from_environment(URL("https://api.test"))

    assert PASSWORD not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_settings_of_the_system_are_asked_where_no_variable_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": "socks5://proxy.test:1080"})
    monkeypatch.setattr("urllib.request.proxy_bypass", lambda host: host == "inside.test:443")
    monkeypatch.setattr("urllib.request.getproxies_environment", dict)

    assert proxy_from_environment(URL("https://inside.test")) is None
    with pytest.raises(ConfigurationError, match="the system's proxy for https has the scheme 'socks5'"):
        proxy_from_environment(URL("https://api.test"))


def test_a_given_proxy_has_its_scheme_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^proxy has the scheme 'socks5'"):
        parse_proxy("socks5://proxy.test:1080", "proxy")
