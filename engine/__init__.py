"""The runtime: prompt, audio and transport in, audio out. Never imports torch.

These are the names that other rooms may build on; the bridge knows no others. Importing the package
loads nothing heavy, only the errors and the version: every other name is loaded when it is first
asked for (ADR 0010).
"""

import importlib
import typing

from engine.errors import (
    AntiphonError,
    AudioFileError,
    BackendError,
    BackendMissing,
    BundleError,
    InputError,
    OptionError,
    PromptError,
    ShapeError,
    StoryError,
)

__version__ = "0.1.0"  # the one place; pyproject.toml reads it, CHANGELOG.md is compared with it

if typing.TYPE_CHECKING:
    from engine.ask import Ack, Ask, When
    from engine.bundle import Bundle
    from engine.cli import main
    from engine.clock import HostBlock
    from engine.command import FREEZE_MAX_BARS, MODES, SLOTS, Command
    from engine.commands.take import open_bundle
    from engine.control_log import LogWriter, Opened
    from engine.loop.interpreter import prefer_delivery
    from engine.loop.status import Status
    from engine.options import EngineOptions
    from engine.params import PARAMETERS, Parameter
    from engine.runner import Runner
    from engine.song import Loop, Signature, SongTempo, TempoChange
    from engine.spec import FAMILIES, FRAME_RATE, PITCH_CLASSES, QUALITY_NAMES

_LOADED_LATER: typing.Final = {  # name -> module
    "Ack": "ask",
    "Ask": "ask",
    "Bundle": "bundle",
    "Command": "command",
    "EngineOptions": "options",
    "FAMILIES": "spec",
    "FRAME_RATE": "spec",
    "FREEZE_MAX_BARS": "command",
    "HostBlock": "clock",
    "LogWriter": "control_log",
    "Loop": "song",
    "MODES": "command",
    "Opened": "control_log",
    "PARAMETERS": "params",
    "PITCH_CLASSES": "spec",
    "Parameter": "params",
    "QUALITY_NAMES": "spec",
    "Runner": "runner",
    "SLOTS": "command",
    "Signature": "song",
    "SongTempo": "song",
    "Status": "loop.status",
    "TempoChange": "song",
    "When": "ask",
    "main": "cli",
    "open_bundle": "commands.take",
    "prefer_delivery": "loop.interpreter",
}


def __getattr__(name: str) -> typing.Any:
    if name not in _LOADED_LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LOADED_LATER[name]}"), name)


__all__ = [
    "FAMILIES",
    "FRAME_RATE",
    "FREEZE_MAX_BARS",
    "MODES",
    "PARAMETERS",
    "PITCH_CLASSES",
    "QUALITY_NAMES",
    "SLOTS",
    "Ack",
    "AntiphonError",
    "Ask",
    "AudioFileError",
    "BackendError",
    "BackendMissing",
    "Bundle",
    "BundleError",
    "Command",
    "EngineOptions",
    "HostBlock",
    "InputError",
    "LogWriter",
    "Loop",
    "Opened",
    "OptionError",
    "Parameter",
    "PromptError",
    "Runner",
    "ShapeError",
    "Signature",
    "SongTempo",
    "Status",
    "StoryError",
    "TempoChange",
    "When",
    "__version__",
    "main",
    "open_bundle",
    "prefer_delivery",
]
