"""A package's `__init__` holds its public names and nothing else, and `__all__` is true."""

import importlib
import types

import pytest

import engine
from tests.gates.tree import PACKAGES

# What others build on; a name leaves or joins this list knowingly, with a line in CHANGELOG.md.
ENGINE_NAMES = {
    *("AntiphonError", "AudioFileError", "BackendError", "BackendMissing", "BundleError"),
    *("InputError", "OptionError", "PromptError", "ShapeError", "StoryError"),
    *("Ack", "Ask", "Command", "When", "PARAMETERS", "Parameter"),
    *("FAMILIES", "FREEZE_MAX_BARS", "MODES", "PITCH_CLASSES", "QUALITY_NAMES", "SLOTS"),
    *("Bundle", "EngineOptions", "LogWriter", "Opened", "Runner", "Status"),
    *("HostBlock", "Loop", "Signature", "SongTempo", "TempoChange", "FRAME_RATE"),
    "main",
    "open_bundle",
    "prefer_delivery",
    "__version__",
}


def problems(package: types.ModuleType) -> list[str]:
    """Say where a package's `__all__` and its contents differ; submodules do not count."""
    declared = list(getattr(package, "__all__", []))
    public = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    return (
        [f"{name} is declared twice" for name in set(declared) if declared.count(name) > 1]
        + [
            f"{name} is declared, but is not there"
            for name in declared
            if not hasattr(package, name)
        ]
        + [f"{name} is there, but is not declared" for name in sorted(public - set(declared))]
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_declares_what_it_holds(package):
    assert problems(importlib.import_module(package)) == []


def test_the_engine_keeps_its_public_names():
    assert set(engine.__all__) == ENGINE_NAMES


def test_asking_for_a_name_that_the_engine_has_not_says_so():
    with pytest.raises(AttributeError, match="has no attribute 'Orchestra'"):
        _ = engine.Orchestra


def test_a_name_too_many_and_a_name_too_few_are_found():
    package = types.ModuleType("planted")
    package.__all__ = ["Session"]
    package.helper = len
    assert problems(package) == [
        "Session is declared, but is not there",
        "helper is there, but is not declared",
    ]
