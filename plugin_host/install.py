"""Put the plugin where hosts look, tell it how to start the engine, and take both away again.

In:  a build, and the command that starts an engine. Out: copies in the user's own folders, and one
key of the settings file; the file's other keys are the user's and stay as they are.
"""

import json
import shutil
from pathlib import Path

from plugin_host.build import Built
from plugin_host.errors import PluginError
from plugin_host.places import products, settings_file


def install(built: Built, command: list[str]) -> list[Path]:
    """Copy what was built, whole or not at all.

    Args:
        built: where it is.
        command: what starts an engine.

    Returns:
        What was written.

    Raises:
        PluginError: a folder cannot be written, or the settings file is not one.
    """
    written = []
    try:
        for one in built.products:
            _copy(built.folder / one.built, one.installed)
            written.append(one.installed)
        return [*written, _tell(command)]
    except OSError as error:
        raise PluginError(f"{error.filename} cannot be written ({error.strerror}).") from error


def uninstall() -> list[Path]:
    """Take away what `install` wrote; what was taken."""
    taken = [one.installed for one in products() if one.installed.exists()]
    for path in taken:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    if settings_file().is_file():
        settings = _settings()
        if settings.pop("command", None) is not None:
            _write(settings)
            taken.append(settings_file())
    return taken


def _copy(source: Path, target: Path) -> None:
    """A host that scans meanwhile sees the old one or the new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    _remove(part)
    if source.is_dir():
        shutil.copytree(source, part)
    else:
        shutil.copy2(source, part)
    _remove(target)
    part.rename(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _tell(command: list[str]) -> Path:
    _write({**_settings(), "command": command})
    return settings_file()


def _settings() -> dict[str, object]:
    path = settings_file()
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise PluginError(f"{path} is no JSON ({error}). Mend it, or delete it.") from error
    if not isinstance(found, dict):
        raise PluginError(f"{path} is no JSON object. Mend it, or delete it.")
    return found


def _write(settings: dict[str, object]) -> None:
    path = settings_file()
    if not settings:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(settings, indent=1) + "\n")
    part.replace(path)
