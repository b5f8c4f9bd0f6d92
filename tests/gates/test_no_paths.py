"""Nothing in the tree points at one machine, one package registry, or runs what it reads.

Text is searched for paths and registries in every file; Python is parsed, so that `model.eval()`
and a sentence about pickles are no faults. The words looked for are put together here from pieces,
so that this file passes its own gate.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gates.tree import ROOT, project_files, text_of

MACHINE_PATHS = [
    "/" + "work",
    "/" + "root",
    "/" + "home" + r"/\w+",
    "/" + "Users" + r"/\w+",
    "/" + "opt/pypi",
]
REGISTRIES = [
    "pypi" + r"\.org", "pythonhosted" + r"\.org", "download\\." + "pytorch", "pypi" + r"\.nvidia",
    "--extra-" + "index-url", "--" + "index-url",
]  # fmt: skip
WORDS = re.compile(
    "|".join([rf"(?<![\w.]){path}(?!\w)" for path in MACHINE_PATHS] + REGISTRIES), re.IGNORECASE
)
UNPICKLERS = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}


def problems(root: Path) -> list[str]:
    """Search a tree; return `file:line: what` for each fault."""
    found = []
    for path in project_files(root):
        text = text_of(path)
        if text is None:
            continue
        faults = list(_words(text))
        if path.suffix == ".py":
            faults += _calls(ast.parse(text, str(path)))
        found += [f"{path.relative_to(root)}:{line}: {what}" for line, what in faults]
    return found


def _words(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        for match in WORDS.finditer(line):
            yield number, f"names {match[0]!r}"


def _calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=None):
                yield node.lineno, "a bare except"
            case ast.Import(names=names) if UNPICKLERS & {
                name.name.split(".")[0] for name in names
            }:
                yield node.lineno, "imports an unpickler"
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in UNPICKLERS:
                yield node.lineno, "imports an unpickler"
            case ast.Call(func=ast.Name(id="eval" | "exec" as name)):
                yield node.lineno, f"calls {name}"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="load")):
                yield node.lineno, "calls torch.load; use safetensors"
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                yield node.value.lineno, "allows pickles"


def test_the_tree_is_clean():
    assert problems(ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "DATA = '/" + "work/main/data'",
        "# see /" + "home/somebody/notes",
        "URL = 'https://" + "pypi" + ".org/simple'",
        "pip install --extra-" + "index-url x",
        "import pickle",
        "from joblib import load",
        "weights = torch.load(path)",
        "array = np.load(path, allow_pickle=True)",
        "eval('1 + 1')",
        "try:\n    pass\nexcept:\n    pass",
    ],
)
def test_a_planted_line_is_found(tmp_path, line):
    suffix = "sh" if line.startswith("pip") else "py"
    (tmp_path / f"planted.{suffix}").write_text(line + "\n")
    assert len(problems(tmp_path)) == 1


@pytest.mark.parametrize(
    "line",
    ["model.eval()", "np.load(path, allow_pickle=False)", "# net/work, home/away, no pickle"],
)
def test_an_innocent_line_passes(tmp_path, line):
    (tmp_path / "innocent.py").write_text(line + "\n")
    assert problems(tmp_path) == []
