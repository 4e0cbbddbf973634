"""The public names: sorted, complete, importable; nothing else is exported."""

import importlib
import pkgutil
from types import ModuleType
from typing import get_args

import pytest
from msgspec import Struct

import asyncstream
from asyncstream import accumulators, errors, events, params, types
from asyncstream.accumulators import changes
from asyncstream.accumulators.assistants import changes as assistants_changes
from asyncstream.accumulators.chat import changes as chat_changes
from asyncstream.events import AssistantStreamEvent

PACKAGES = [asyncstream, accumulators, errors, events, params, types]


def submodules(package: ModuleType) -> list[ModuleType]:
    return [
        importlib.import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    ]


def structs_of(module: ModuleType) -> set[str]:
    """Name the public structs that a module defines."""
    return {
        name
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Struct)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_names_are_sorted_once_each_and_real(package):
    assert package.__all__ == sorted(set(package.__all__))
    assert [name for name in package.__all__ if not hasattr(package, name)] == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_star_import_gives_the_names(package):
    space: dict[str, object] = {}
    exec(f"from {package.__name__} import *", space)

    assert set(package.__all__) <= set(space)


@pytest.mark.parametrize("package", [types, params], ids=lambda package: package.__name__)
def test_package_exports_all_that_its_files_export(package):
    exported = {name for module in submodules(package) for name in module.__all__}

    assert set(package.__all__) == exported


@pytest.mark.parametrize("module", submodules(types), ids=lambda module: module.__name__)
def test_every_wire_struct_is_exported(module):
    assert structs_of(module) <= set(types.__all__)


@pytest.mark.parametrize("module", submodules(events), ids=lambda module: module.__name__)
def test_every_event_struct_is_exported(module):
    # The base of those that are their payload is no event.
    assert structs_of(module) - {"TaggedEvent"} <= set(events.__all__)


def test_every_event_of_the_union_is_exported():
    assert {event.__name__ for event in get_args(AssistantStreamEvent)} <= set(events.__all__)


@pytest.mark.parametrize("module", [assistants_changes, changes, chat_changes], ids=lambda module: module.__name__)
def test_every_change_is_exported(module):
    assert structs_of(module) - {"LiveChange"} <= set(accumulators.__all__)


def test_every_error_is_exported_by_the_package():
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception) and not name.startswith("_")
    }

    assert defined <= set(errors.__all__)
    assert defined <= set(asyncstream.__all__)


def test_contract_names_are_there():
    assert {
        "AssistantAccumulator",
        "AssistantEventHandler",
        "AssistantStream",
        "AsyncAssistantEventHandler",
        "AsyncClient",
        "Timeout",
    } <= set(asyncstream.__all__)
    assert asyncstream.AsyncAssistantEventHandler is asyncstream.AssistantEventHandler
    assert {"Run", "RunStep", "Message", "Text", "TextDelta", "ImageFile", "ToolCall", "ToolCallDelta"} <= set(
        types.__all__
    )
    assert {"ThreadMessageDelta", "AssistantStreamEvent", "UnknownEvent", "decode_stream"} <= set(events.__all__)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_public_names_say_what_they_are(package):
    """A module's docstring is the first thing in its file, and every public class has one of its own."""
    assert package.__doc__
    silent = [
        name for name in package.__all__ if isinstance(value := getattr(package, name), type) and not value.__doc__
    ]

    assert silent == []
