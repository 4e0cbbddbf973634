"""openai-python's clients under their own names and with their own arguments: an import line is all that a port needs.

Above `client`; nothing in the package uses it. What their calls do differently is told in the README.
"""

from collections.abc import Awaitable, Callable
from typing import Unpack, cast

from asyncstream.client.azure import azure_options
from asyncstream.client.client import AsyncClient
from asyncstream.client.options import ClientOptions, CommonOptions, merge_options
from asyncstream.errors import ConfigurationError
from asyncstream.transport.http import ApiKey

__all__ = ["AsyncAzureOpenAI", "AsyncOpenAI"]

AsyncOpenAI = AsyncClient
"""`AsyncClient` takes openai-python's arguments; ``http_client=`` is refused, with a word of ``session=``."""


class AsyncAzureOpenAI(AsyncClient):
    """`AsyncClient.azure`, with the arguments that openai-python has for it.

    Args:
        azure_endpoint: ``https://<resource>.openai.azure.com``; None takes ``AZURE_OPENAI_ENDPOINT``.
        azure_deployment: The deployment that is called; None: `model` names it in each call.
        api_version: The date of the API; None takes ``OPENAI_API_VERSION``, else calls the v1 API.
        api_key: The key of the resource; None takes ``AZURE_OPENAI_API_KEY``.
        azure_ad_token: A token of Entra ID; None takes ``AZURE_OPENAI_AD_TOKEN``.
        azure_ad_token_provider: A function, async or not, that is asked for a token for each request.
        base_url: Where the paths begin, instead of an endpoint; it may end in ``/deployments/<name>``.
        organization: Sent as ``OpenAI-Organization``; None sends none.
        project: Sent as ``OpenAI-Project``; None sends none.
        http_client: Refused; `session` takes an aiohttp session.
        **options: As in `AsyncClient`.

    Raises:
        ConfigurationError: There is no endpoint or no credential, or an argument cannot be used.
    """

    def __init__(
        self,
        *,
        azure_endpoint: str | None = None,
        azure_deployment: str | None = None,
        api_version: str | None = None,
        api_key: str | Callable[[], Awaitable[str]] | None = None,
        azure_ad_token: str | None = None,
        azure_ad_token_provider: Callable[[], str | Awaitable[str]] | None = None,
        base_url: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        http_client: object = None,
        **options: Unpack[CommonOptions],
    ) -> None:
        if azure_ad_token is not None and azure_ad_token_provider is not None:
            raise ConfigurationError("azure_ad_token and azure_ad_token_provider exclude each other")
        if base_url is not None and azure_endpoint is not None:
            raise ConfigurationError("base_url and azure_endpoint exclude each other")
        deployed = ""
        if base_url is not None:
            azure_endpoint, _, deployed = base_url.rstrip("/").partition("/deployments/")
        provider = cast("ApiKey | None", azure_ad_token_provider)
        found = azure_options(
            azure_endpoint,
            api_version=api_version,
            deployment=azure_deployment or deployed or None,
            api_key=api_key,
            token=azure_ad_token if provider is None else provider,
        )
        if base_url is not None and azure_endpoint is not None:
            # As given: a gateway in front of Azure has paths of its own.
            found["base_url"] = azure_endpoint
        given = cast("ClientOptions", {**options, "organization": organization or "", "project": project or ""})
        super().__init__(http_client=http_client, **merge_options(found, given))
