"""The client: how it is set up, for OpenAI, for Azure and for others, and the nouns that it has.

`client` holds `AsyncClient`, `options` what it is set up with, `azure` what that is for Azure's services.
"""

from asyncstream.client.client import AsyncClient

__all__ = ["AsyncClient"]
