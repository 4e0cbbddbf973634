"""How a server wants to be called where it differs from OpenAI: data, read by the door and by nothing else. Pure.

A dialect says where the key goes and which routes lie below the deployment of a model. What else differs is an option
of the client: the base URL, and ``api-version`` as a default query. Those for Azure are in `client.azure`.
"""

from urllib.parse import quote

from msgspec import Struct

from asyncstream.errors import ConfigurationError
from asyncstream.transport.request import Request, check_id

__all__ = ["OPENAI", "Dialect"]


class Dialect(Struct, frozen=True, kw_only=True):
    """How a server wants to be called; the defaults are OpenAI's way."""

    provider: str = "openai"
    """The name that observers are told, in the words of OpenTelemetry's ``gen_ai.provider.name``."""
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    """What stands before the key in its header."""
    deployment_routes: frozenset[str] = frozenset()
    """Paths that are called by POST below ``/deployments/<name>``."""
    deployment: str | None = None
    """The deployment for these routes; None: the `model` of the body names it."""

    def authorization(self, key: str) -> dict[str, str | None]:
        """Return the header that carries a key; none for an empty key."""
        return {self.key_header: f"{self.key_prefix}{key}"} if key else {}

    def path(self, request: Request) -> str:
        """Return the path of a request below the base URL.

        Raises:
            ConfigurationError: It is called below a deployment, and nothing names that.
        """
        if request.method != "POST" or request.path not in self.deployment_routes:
            return request.path
        name = self.deployment or request.ids.get("model")
        if name is None:
            raise ConfigurationError(
                f"{request.path} is called below a deployment: name it by `model`, or by `deployment` of the client"
            )
        return f"/deployments/{quote(check_id('the deployment (model)', name), safe='')}{request.path}"


OPENAI = Dialect()
