"""The stage: where experiments happen, with nothing of the user's own in reach.

In:  a build of the plugin, and the command that starts an engine. Out: a scratch home with the
plugin where hosts look for it, the environment that hosts and engines are started with, and engines
that only this stage's plugins find.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from plugin_host.errors import Missing
from plugin_host.hosts.engine import Engine
from plugin_host.places import NAME

KEPT: Final = ("PATH", "LANG", "PYTHONPATH", "LD_LIBRARY_PATH")
SYSTEM_LV2: Final = "/usr/lib/lv2"
VST3: Final = f"{NAME}.vst3"
LV2: Final = f"{NAME}.lv2"


@dataclass(frozen=True)
class Stage:
    """One scratch home."""

    folder: Path
    serve: tuple[str, ...]  # what starts an engine, up to and with `serve` and its bundle
    other: tuple[str, ...] = ()  # the same with another bundle; () if there is none

    @classmethod
    def build(
        cls, folder: Path, products: Sequence[Path], serve: Sequence[str], other: Sequence[str] = ()
    ) -> "Stage":
        """Put the plugin into a scratch home.

        Args:
            folder: is made; deleted by whoever asked for it.
            products: the built .vst3 and .lv2 folders, or one of them.
            serve: what starts an engine.
            other: what starts one with another bundle.

        Raises:
            Missing: a product is not there.
        """
        stage = cls(folder, tuple(serve), tuple(other))
        for product in products:
            if not product.is_dir():
                raise Missing(f"{product} is not built. Build first: antiphon plugin build.")
            target = stage.home / product.suffix / product.name
            shutil.copytree(product, target)
        for made in (stage.home, stage.runtime, stage.folder / "takes"):
            made.mkdir(parents=True, exist_ok=True)
        stage.runtime.chmod(0o700)
        return stage

    @property
    def home(self) -> Path:
        """What hosts take for the user's home."""
        return self.folder / "home"

    @property
    def runtime(self) -> Path:
        """Where engines announce themselves."""
        return self.folder / "run"

    @property
    def vst3(self) -> Path:
        """The plugin's VST3 folder."""
        return self.home / ".vst3" / VST3

    @property
    def lv2(self) -> Path:
        """The plugin's LV2 folder."""
        return self.home / ".lv2" / LV2

    def environment(self, **more: str) -> dict[str, str]:
        """What a host or an engine is started with; the plugin may start no engine of its own."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return kept | {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_DATA_HOME": str(self.home / ".local" / "share"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "ANTIPHON_RUNTIME_DIR": str(self.runtime),
            "ANTIPHON_START": "0",
            "LV2_PATH": os.pathsep.join([str(self.home / ".lv2"), SYSTEM_LV2]),
            "OMP_NUM_THREADS": "1",
            **more,
        }

    @contextmanager
    def engine(self, *options: str, is_other: bool = False) -> Iterator[Engine]:
        """An engine that this stage's plugins find."""
        takes = self.fresh("takes")
        command = self.other if is_other else self.serve
        with Engine(command, self.environment(), takes, *options) as engine:
            yield engine

    def fresh(self, name: str, suffix: str = "") -> Path:
        """A path that nothing has yet; folders only where there is no suffix."""
        count = 1
        while (path := self.folder / f"{name}-{count}{suffix}").exists():
            count += 1
        if not suffix:
            path.mkdir(parents=True)
        return path
