"""The headers that choose a version of the API, for the endpoints that need one."""

from asyncstream.transport.request import HeaderValues

__all__ = ["ASSISTANTS_V2"]

ASSISTANTS_V2: HeaderValues = {"OpenAI-Beta": "assistants=v2"}
"""OpenAI refuses assistants, threads and vector stores without it; other servers ignore it."""
