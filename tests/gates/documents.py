"""Reads what a Markdown page promises: commands to type, files to look at, Python to run.

Pure functions of text; knows nothing about whether a promise is kept.
"""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)")
_PATH = re.compile(r"^\.?[\w.-]+(/[\w.-]+)*(/|\.(py|md|toml|txt|json|jsonl|png|wav|csv|onnx|sh))$")
_COMMENT = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True)
class Document:
    """What one page promises."""

    commands: tuple[tuple[str, ...], ...]  # words of each command line, prompt and comment removed
    paths: tuple[str, ...]  # files and folders named in code, links and trees
    python: tuple[str, ...]  # code blocks marked `python`


def read(text: str) -> Document:
    """Take a page apart."""
    blocks = _FENCE.findall(text)
    prose = _FENCE.sub("", text)
    lines = [line for kind, body in blocks if kind != "python" for line in _joined(body)]
    inline = _CODE.findall(prose)
    words = [_words(line) for line in (*lines, *inline)]
    named = [line.split()[0] for line in lines if line.strip()] + inline
    links = [link for link in _LINK.findall(prose) if "://" not in link]
    return Document(
        commands=tuple(dict.fromkeys(found for found in words if found)),
        paths=tuple(dict.fromkeys([name for name in named if _PATH.match(name)] + links)),
        python=tuple(body for kind, body in blocks if kind == "python"),
    )


def _joined(body: str) -> list[str]:
    return body.replace("\\\n", " ").splitlines()


def _words(line: str) -> tuple[str, ...]:
    words = _COMMENT.sub("", line).removeprefix("$ ").replace(".venv/bin/", "").split()
    is_command = words[:1] in (["antiphon"], ["make"]) or words[:2] == ["python", "-m"]
    return tuple(words) if is_command else ()
