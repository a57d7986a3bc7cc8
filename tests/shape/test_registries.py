"""A plug-in is one file or folder, one line in its registry, one test and a place in the docs."""

from pathlib import Path

import pytest

from tests.shape import repository

# The folder of each registry, with the files in it that plug-ins share.
REGISTRIES = {
    "gateway/codecs": set[str](),
    "dashboard/pages": set[str](),
}


@pytest.mark.parametrize("folder", REGISTRIES)
def test_registry_lists_what_the_folder_holds(folder: str) -> None:
    registry = Path(folder, "__init__.py")
    names = {repository.module(Path(folder, plugin)) for plugin in plugins(folder)}
    assert names
    assert names == {name for name in repository.imported(registry) if name in names}


@pytest.mark.parametrize("folder", REGISTRIES)
def test_registry_says_how_to_add_to_it(folder: str) -> None:
    """Its docstring is the recipe: the name of the folder and what to write."""
    first = repository.text(Path(folder, "__init__.py")).split('"""')
    assert len(first) > 1
    assert "add" in first[1].lower()


@pytest.mark.parametrize("folder", REGISTRIES)
def test_every_plugin_is_documented(folder: str) -> None:
    docs = repository.docs()
    assert [plugin for plugin in plugins(folder) if plugin not in docs] == []


def plugins(folder: str) -> set[str]:
    """The plug-ins of a folder, by name: modules and packages that are neither private nor shared."""
    inside = {
        path.relative_to(folder).parts[0]
        for path in repository.python(Path(folder).parts[0])
        if path.is_relative_to(folder)
    }
    names = {name.removesuffix(".py") for name in inside}
    return {name for name in names if not name.startswith("_")} - REGISTRIES[folder]
