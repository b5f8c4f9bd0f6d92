"""What the README and the other pages promise is there: commands, options, files, examples."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.gates.documents import read
from tests.gates.tree import ROOT

PAGES = ["README.md", "CONTRIBUTING.md", "bridge/README.md", "plugin_host/README.md"]
PAGES += ["docs/controllers.md", "docs/protocol.md", "docs/training.md"]
EXAMPLES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
MADE_BY_A_COMMAND = (".venv/", "out/", "data/")


def problems(text: str, root: Path = ROOT, folder: str = "") -> list[str]:
    """Say which commands, options and paths of a page do not exist.

    Args:
        text: the page.
        root: the tree it speaks of.
        folder: where the page lies in it; links are relative to that.
    """
    page = read(text)
    found = [what for words in page.commands for what in _command_problems(words, root)]
    for path in page.paths:
        if path.startswith(MADE_BY_A_COMMAND):
            continue
        if not _is_there(root / path) and not _is_there(root / folder / path):
            found.append(f"{path} does not exist")
    return found


def _is_there(path: Path) -> bool:
    """Say whether a file or a folder with something in it is there; git keeps no empty one."""
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def _command_problems(words: tuple[str, ...], root: Path) -> list[str]:
    match words:
        case ("antiphon", *rest):
            return _antiphon_problems(rest)
        case ("make", *targets):
            makefile = (root / "Makefile").read_text()
            asked = [target for target in targets if "=" not in target]
            known = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
            return [f"make {target}: no such target" for target in asked if target not in known]
        case ("python", "-m", module, *_) if module.split(".")[0] not in ("pytest", "pip", "venv"):
            file = root / module.replace(".", "/")
            is_there = file.with_suffix(".py").is_file() or (file / "__main__.py").is_file()
            return [] if is_there else [f"python -m {module}: no such module"]
    return []


def _antiphon_problems(words: list[str]) -> list[str]:
    length = 2 if words[:1] == ["plugin"] else 1  # a group, whose commands have options
    named = words[:length]
    command = " ".join(named) if named and re.fullmatch(r"[a-z -]+", " ".join(named)) else ""
    status, printed = _help(command)
    if status:
        return [f"antiphon {command}: no such command"]
    asked = [word.split("=")[0] for word in words if re.fullmatch(r"-{1,2}[a-z][\w-]*(=.*)?", word)]
    known = set(re.findall(r"(?<![\w-])-{1,2}[a-z][\w-]*", printed))
    return [
        f"antiphon {command} {option}: no such option" for option in asked if option not in known
    ]


@cache
def _help(command: str) -> tuple[int, str]:
    program = "from bridge.cli import main; main()"
    arguments = [*command.split(), "--help"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def run_python(code: str, folder: Path) -> str:
    """Run an example from an empty folder; return what went wrong, or nothing."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_exists(page):
    file = ROOT / page
    assert problems(file.read_text(), folder=file.parent.relative_to(ROOT).as_posix()) == []


@pytest.mark.parametrize("name", ["default", "finetune"])
def test_the_modules_of_a_training_script_exist(name):
    script = (ROOT / "training" / "runs" / f"{name}.sh").read_text()
    assert problems(f"```\n{script}\n```") == []


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES])
def test_the_python_of_a_page_runs(page, tmp_path):
    for code in read((ROOT / page).read_text()).python:
        assert run_python(code, tmp_path) == ""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Type `antiphon sing 'la'`.", "antiphon sing: no such command"),
        (
            "```\nantiphon render 'x' \\\n  --loudly\n```",
            "antiphon render --loudly: no such option",
        ),
        ("Run `make music`.", "make music: no such target"),
        ("Run `python -m training.guess --help`.", "python -m training.guess: no such module"),
        ("See `engine/utils.py`.", "engine/utils.py does not exist"),
        ("See [the plan](docs/plan.md).", "docs/plan.md does not exist"),
        ("```\nattic/   old things\n```", "attic/ does not exist"),
    ],
)
def test_a_planted_promise_is_found(text, fault):
    assert problems(text) == [fault]


def test_kept_promises_pass():
    command = "```\nantiphon render 'x' --seed 7 -o a.wav\n```\n"
    text = "`make setup`, [the licence](LICENSE), `out/demo.wav`\n" + command
    assert problems(text) == []


def test_a_broken_example_is_found(tmp_path):
    assert "ImportError" in run_python("from engine import Orchestra", tmp_path)
