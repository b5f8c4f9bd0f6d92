"""A session of Ardour: made, told what to play, exported offline, rolled in real time; by its
scripts.

In:  a stage. Out: a folder with `ses.ardour`, and the sound of what was exported or recorded.
Ardour's script interpreter is known to hang or to abort now and then after an export, so that runs
are bounded, repeated, and judged by the file. The plugin's state is a VST3 preset in the session
file.
"""

import base64
import os
import re
import shutil
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from plugin_host.hosts import preset, sound
from plugin_host.hosts.stage import Stage
from plugin_host.hosts.stalls import Stalls
from plugin_host.places import NAME
from plugin_host.rung import Failed

SCRIPTS: Final = Path(__file__).parent / "ardour"
PRESET: Final = "antiphon.preset"  # float WAV at 48 kHz; Ardour's own first one is a CD's
INTERPRETER: Final = "ardour7-lua"
SCANNER: Final = Path("/usr/lib/ardour7/ardour-vst3-scanner")
LIBRARIES: Final = "/usr/lib/ardour7"
DUMMY: Final = ("None (Dummy)", "Unit-Test")
# SSE and AVX, not AVX-512, with which Ardour 7 writes past the ends of buffers (its d023ea0d77).
PROCESSOR: Final = {"ARDOUR_FPU_FLAGS": str(0x01 | 0x02 | 0x04 | 0x08 | 0x10)}
RATE: Final = 48_000
TRIES: Final = 3
MAKE_SECONDS: Final = 60.0
EXPORT_SECONDS: Final = 180.0


class Stood(Failed):
    """Ardour did not roll at all, of which the plugin knows nothing."""


class Session:
    """One session with the plugin on a track, and a tape that records it."""

    def __init__(self, stage: Stage, *, region_seconds: float = 0.0) -> None:
        """Have Ardour make one.

        Args:
            stage: where.
            region_seconds: a region of such a length is put before the plugin; see `put_region`.

        Raises:
            Failed: Ardour did not make it.
        """
        self._stage = stage
        self.tries = 0  # of all runs so far
        self.stalls = Stalls()  # of the machine, while Ardour rolled last
        _scan(stage)
        presets = stage.home / ".config" / "ardour7" / "export"
        presets.mkdir(parents=True, exist_ok=True)
        shutil.copy(SCRIPTS / PRESET, presets)
        for _ in range(TRIES):
            self.folder = stage.folder / f"session-{time.monotonic_ns()}"
            said = self._run(
                "make.lua",
                [str(self.folder), NAME, "VST3", str(region_seconds)],
                MAKE_SECONDS + region_seconds,
            )
            found = re.search(r"^latency (\d+)$", said, re.MULTILINE)
            if found and self.file.is_file():
                self.latency_samples = int(found[1])
                return
        raise Failed(f"Ardour made no session in {TRIES} tries; it said: {said[-600:]}")

    @property
    def file(self) -> Path:
        """The session file."""
        return self.folder / "ses.ardour"

    def state(self) -> dict[str, Any]:
        """The plugin's JSON in the session file."""
        _, chunk = self._read()
        return preset.read(base64.b64decode(chunk.text or ""))

    def tell(self, prompts: Sequence[str], *, bpm: float = 120.0, **values: object) -> None:
        """Write prompts, values and a tempo into the session file, as if saved so."""
        self._write(preset.changed(self.state(), prompts, **values), bpm)

    def change(self, **values: object) -> None:
        """Write values into the session file; prompts and tempo stay."""
        state = self.state()
        self._write(preset.changed(state, state["prompts"], **values), None)

    def _write(self, state: Mapping[str, Any], bpm: float | None) -> None:
        tree, chunk = self._read()
        before = base64.b64decode(chunk.text or "")
        chunk.text = base64.b64encode(preset.written(before, state)).decode()
        plugin = tree.getroot().find(".//vst3")
        assert plugin is not None
        for port in plugin.findall("Port"):  # values again, which would outweigh the state
            plugin.remove(port)
        for tempo in tree.getroot().iter("Tempo") if bpm is not None else ():
            tempo.set("npm", str(bpm))
            tempo.set("enpm", str(bpm))
        tree.write(self.file, encoding="UTF-8", xml_declaration=True)

    def put_region(self, made: sound.Sound) -> None:
        """Put sound, [2, N] at 48 kHz, into the region, from its start; the rest is silence."""
        for side, channel in zip("LR", made, strict=True):
            (path,) = self.folder.glob(f"interchange/*/audiofiles/*Music*{side}.wav")
            length = soundfile.info(str(path)).frames
            filled = np.zeros(length, np.float32)
            filled[: channel.size] = channel[:length]
            soundfile.write(path, filled, RATE, subtype="FLOAT")

    def export(self, seconds: float, start: float = 0.0) -> tuple[sound.Sound, float]:
        """Export offline; [2, N] at 48 kHz, and the seconds that it took.

        Raises:
            Failed: there was no whole file after three tries.
        """
        said, samples = "", [str(round(start * RATE)), str(round(seconds * RATE))]
        for _ in range(TRIES):
            name = f"export{time.monotonic_ns()}"
            begin = time.monotonic()
            said = self._run(
                "export.lua",
                [str(self.folder), str(self._stage.folder), name, *samples],
                EXPORT_SECONDS,
            )
            wall = time.monotonic() - begin
            for path in sorted(self._stage.folder.glob(f"{name}*.wav")):
                made, rate = sound.load(path)
                if rate == RATE and made.shape == (2, round(seconds * RATE)):
                    return made, wall
        raise Failed(f"Ardour exported no whole file in {TRIES} tries; it said: {said[-600:]}")

    def roll(
        self, seconds: float, *, wait: float = 1.0, backend: Sequence[str] = DUMMY, **more: str
    ) -> tuple[sound.Sound, dict[str, float]]:
        """Roll in real time from the start; what the tape heard, and Ardour's own figures.

        Args:
            seconds: how long.
            wait: seconds to stand before, in which the plugin finds its engine.
            backend: Ardour's audio system, and its device.
            more: environment.

        Raises:
            Stood: Ardour did not begin to roll.
            Failed: it recorded nothing.
        """
        before = set(self._tapes())
        flag = self._stage.folder / f"rolling-{time.monotonic_ns()}"
        self.stalls = Stalls()
        with self.stalls.watched():
            said = self._run(
                "roll.lua",
                [str(self.folder), *backend, str(seconds), str(wait), str(flag)],
                seconds + wait + MAKE_SECONDS,
                **more,
            )
        figures = {
            name: float(value) for name, value in re.findall(r"^(\w+) ([\d.]+)$", said, re.M)
        }
        if not flag.exists():
            raise Stood(f"Ardour did not begin to roll; it said: {said[-600:]}")
        new = sorted(set(self._tapes()) - before)
        if len(new) != 2 or "xruns" not in figures:
            raise Failed(f"Ardour recorded {len(new)} files, expected 2; it said: {said[-600:]}")
        left, right = (sound.load(path)[0][0] for path in new)
        count = min(left.size, right.size, round(seconds * RATE))
        return np.stack([left[:count], right[:count]]), figures

    def _tapes(self) -> list[Path]:
        return list(self.folder.glob("interchange/*/audiofiles/*Tape*.wav"))

    def _read(self) -> tuple["ElementTree.ElementTree[ElementTree.Element]", ElementTree.Element]:
        tree = ElementTree.parse(self.file)
        chunk = tree.getroot().find(".//vst3/chunk")
        if chunk is None:
            raise Failed(f"{self.file} holds no state of the plugin.")
        return tree, chunk

    def _run(self, script: str, arguments: list[str], seconds: float, **more: str) -> str:
        """Run a script within a time; what it said, however it ended."""
        self.tries += 1
        command = [INTERPRETER, str(SCRIPTS / script), *arguments]
        with subprocess.Popen(
            command,
            env=self._stage.environment(**PROCESSOR, **more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # a shell script, with which what it starts shall end
        ) as process:
            try:
                said, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                said, _ = process.communicate()
            except BaseException:  # an interruption, too, leaves no Ardour behind
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return said


def _scan(stage: Stage) -> None:
    """Have Ardour look at the plugin; without that it does not list it."""
    scanned = subprocess.run(
        [str(SCANNER), "-f", str(stage.vst3)],
        env=stage.environment(LD_LIBRARY_PATH=LIBRARIES),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=MAKE_SECONDS,
        check=False,
    )
    said = scanned.stdout + scanned.stderr
    if f"Found Plugin: {NAME}" not in said:
        raise Failed(f"Ardour's scanner did not find the plugin; it said: {said[-400:]}")


def version() -> str:
    """Ardour's version; "" if it is not there."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if not any((Path(folder) / INTERPRETER).is_file() for folder in folders):
        return ""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "ardour"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "7"
