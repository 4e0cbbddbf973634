"""Azure as options of a client: where its endpoints lie, which version they want, and how they take a key. Pure.

Three forms, told apart by the endpoint and the version: Azure OpenAI by date (``/openai`` with ``api-version`` and
deployments in some paths), Azure OpenAI v1 (``/openai/v1``, which is OpenAI's own but for the key), and the agents of
a Foundry project (``/api/projects/<project>``: assistants and threads, with a token only).

Above it: `client`. What differs in a single request is in the `Dialect`s; what only Azure answers is in `types`.

Source: https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
"""

import os
import re

from yarl import URL

from asyncstream.client.options import ClientOptions
from asyncstream.errors import ConfigurationError
from asyncstream.transport.dialects import Dialect
from asyncstream.transport.http import ApiKey
from asyncstream.transport.request import check_id, check_key, parse_base_url

__all__ = ["AZURE_OPENAI", "AZURE_OPENAI_V1", "FOUNDRY", "azure_options"]

AZURE_OPENAI_V1 = Dialect(provider="azure.ai.openai", key_header="api-key", key_prefix="")
"""``/openai/v1``: the paths are OpenAI's; `model` names the deployment."""

AZURE_OPENAI = Dialect(
    provider="azure.ai.openai",
    key_header="api-key",
    key_prefix="",
    deployment_routes=frozenset(
        {
            "/audio/speech",
            "/audio/transcriptions",
            "/audio/translations",
            "/chat/completions",
            "/completions",
            "/embeddings",
            "/images/edits",
            "/images/generations",
        }
    ),
)
"""``/openai?api-version=<date>``: what runs a model at once is called below its deployment, all else is not."""

FOUNDRY = Dialect(provider="azure.ai.inference")
"""The agents of a project: a token and nothing else, in OpenAI's header."""

_FOUNDRY_VERSION = "v1"

_PROJECT = r"/api/projects/[^/]+/?$"
_DATED = r"\d{4}-\d\d-\d\d"


def azure_options(
    endpoint: str | None,
    *,
    api_version: str | None,
    deployment: str | None,
    api_key: ApiKey | None,
    token: ApiKey | None,
) -> ClientOptions:
    """Return the options that make a client one of Azure's.

    Args:
        endpoint: The resource or project; None takes ``AZURE_OPENAI_ENDPOINT``.
        api_version: A date chooses the classic form; None takes ``OPENAI_API_VERSION``, else is the v1 form.
        deployment: The deployment for the classic form's paths; None: the `model` of each call.
        api_key: The resource's key.
        token: A token of Entra ID, instead of a key.

    Raises:
        ConfigurationError: There is no endpoint or no credential, or they do not fit together.
    """
    url = _endpoint(endpoint)
    version = api_version or url.query.get("api-version") or os.environ.get("OPENAI_API_VERSION", "").strip() or None
    form, base, version = _form(url.with_query(None), version)
    if deployment is not None:
        if not form.deployment_routes:
            raise ConfigurationError("deployment is for the form with a dated api_version; elsewhere give it as model")
        check_id("deployment", deployment)
    key, bearer = _credential(api_key, token, token_only=form is FOUNDRY)
    dialect = Dialect(
        provider=form.provider,
        key_header="Authorization" if bearer else form.key_header,
        key_prefix="Bearer " if bearer else form.key_prefix,
        deployment_routes=form.deployment_routes,
        deployment=deployment,
    )
    return ClientOptions(
        base_url=str(base),
        api_key=key,
        dialect=dialect,
        default_query={} if version is None else {"api-version": version},
        # OpenAI's names for who pays are no business of Azure's.
        organization="",
        project="",
    )


def _endpoint(given: str | None) -> URL:
    if given is not None:
        return parse_base_url(given, "endpoint")
    found = os.environ.get("AZURE_OPENAI_ENDPOINT", "").strip()
    if not found:
        raise ConfigurationError(
            "no endpoint: give `endpoint=`, or set the environment variable AZURE_OPENAI_ENDPOINT "
            "(https://<resource>.openai.azure.com, or https://<resource>.services.ai.azure.com/api/projects/<project>)"
        )
    return parse_base_url(found, "AZURE_OPENAI_ENDPOINT")


def _form(url: URL, version: str | None) -> tuple[Dialect, URL, str | None]:
    """Return the form that an endpoint and a version mean, the base URL and the version to send."""
    path = url.raw_path.rstrip("/")
    if re.search(_PROJECT, path):
        return FOUNDRY, url, version or _FOUNDRY_VERSION
    if "/deployments/" in f"{path}/":
        raise ConfigurationError("endpoint must end before '/deployments/'; give the name as model or deployment")
    if path.endswith("/openai/v1"):
        return AZURE_OPENAI_V1, url, None if version is None or re.match(_DATED, version) else version
    base = url if path.endswith("/openai") else URL(f"{url.origin()}{path}/openai")
    if version is not None and re.match(_DATED, version):
        return AZURE_OPENAI, base, version
    return AZURE_OPENAI_V1, URL(f"{base}/v1"), version


def _credential(api_key: ApiKey | None, token: ApiKey | None, *, token_only: bool) -> tuple[ApiKey, bool]:
    """Return the credential, and whether it is a token."""
    if api_key is not None and token is not None:
        raise ConfigurationError("api_key and token exclude each other")
    if token is None and api_key is None:
        token = os.environ.get("AZURE_OPENAI_AD_TOKEN", "").strip() or None
        if token is None and not token_only:
            api_key = os.environ.get("AZURE_OPENAI_API_KEY", "").strip() or None
    if token is not None:
        return (token if callable(token) else check_key(token, "token")), True
    if token_only:
        raise ConfigurationError(
            "the agents of a Foundry project take a token and no key: give `token=`, an async function that returns "
            "one for the scope https://ai.azure.com/.default"
        )
    if api_key is None:
        raise ConfigurationError(
            "no credential: give `api_key=` or `token=`, or set the environment variable AZURE_OPENAI_API_KEY "
            "or AZURE_OPENAI_AD_TOKEN"
        )
    return api_key, False
