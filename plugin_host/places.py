"""Where the plugin's sources are, where it is built, and where hosts look for plugins.

In:  the environment. Out: paths, by the rules of VST3, LV2 and the XDG base directories. Pure but
for looking whether a folder is there.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parent / "juce"
CORE: Final = Path(__file__).parent / "core"
HOSTS: Final = Path(__file__).parent / "hosts"
NAME: Final = "Antiphon"


def build_folder() -> Path:
    """Beside the sources in a checkout, otherwise in the user's cache."""
    root = Path(__file__).resolve().parents[1]
    if (root / "pyproject.toml").is_file():
        return root / "build" / "plugin"
    return _home("XDG_CACHE_HOME", ".cache") / "antiphon" / "plugin"


@dataclass(frozen=True)
class Product:
    """One thing that is built, and where it goes."""

    kind: str
    built: Path  # below the build folder
    installed: Path


def products() -> tuple[Product, ...]:
    """Everything that a build makes."""
    made = Path(f"{NAME}_artefacts") / "Release"
    home = Path.home()
    vst3, lv2 = home / ".vst3" / f"{NAME}.vst3", home / ".lv2" / f"{NAME}.lv2"
    return (
        Product("VST3", made / "VST3" / f"{NAME}.vst3", vst3),
        Product("LV2", made / "LV2" / f"{NAME}.lv2", lv2),
        Product("Standalone", made / "Standalone" / NAME, home / ".local" / "bin" / "antiphon-app"),
    )


def settings_file() -> Path:
    """What the user set for all instances; `antiphon/discovery.h` reads it."""
    return _home("XDG_CONFIG_HOME", ".config") / "antiphon" / "plugin.json"


def _home(variable: str, default: str) -> Path:
    named = os.environ.get(variable)
    return Path(named) if named else Path.home() / default
