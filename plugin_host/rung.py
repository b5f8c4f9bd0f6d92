"""A rung of the ladder: one host, the experiments made in it, and what became of them.

In:  a host's name and its experiments, which return figures, raise `Failed` where the plugin did
not do what it promises, or `Skipped` where the machine cannot try it. Out: a `Rung`, ready for
JSON.
"""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from plugin_host.errors import PluginError

Figures = Mapping[str, Any]
Outcome = Literal["passed", "failed", "skipped"]
PLACES: Final = 4  # after the decimal point, of figures


class Failed(PluginError):
    """The plugin or the host did not do what was expected; says what, got and expected."""


class Skipped(PluginError):
    """This machine cannot try it; says what is missing and how to get it."""


@dataclass(frozen=True)
class Experiment:
    """One thing that is tried in a host."""

    name: str  # in words
    run: Callable[[], Figures]


@dataclass(frozen=True)
class Finding:
    """What became of one experiment."""

    name: str
    outcome: Outcome
    why: str  # it failed or was skipped; "" otherwise
    seconds: float
    figures: Figures


@dataclass(frozen=True)
class Rung:
    """What became of one host: skipped with the reason, or its findings."""

    host: str
    version: str  # "" where the host is absent
    outcome: Outcome
    why: str
    findings: tuple[Finding, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Plain values, rounded."""
        return {**asdict(self), "findings": [_plain(asdict(found)) for found in self.findings]}


def skip(host: str, why: str, version: str = "") -> Rung:
    """A rung that this machine cannot climb."""
    return Rung(host, version, "skipped", why)


def climb(
    host: str,
    version: str,
    experiments: Sequence[Experiment],
    told: Callable[[Finding], None] = lambda _: None,
) -> Rung:
    """Make all experiments, also after one that failed.

    Args:
        host: its name.
        version: of the host.
        experiments: in the order in which they are made.
        told: hears of each as soon as it is over.
    """
    findings = []
    for experiment in experiments:
        findings.append(_make(experiment))
        told(findings[-1])
    outcomes = [finding.outcome for finding in findings]
    if "failed" in outcomes:
        names = [finding.name for finding in findings if finding.outcome == "failed"]
        return Rung(host, version, "failed", f"failed: {'; '.join(names)}", tuple(findings))
    if "passed" not in outcomes:
        return Rung(host, version, "skipped", "no experiment could be made", tuple(findings))
    return Rung(host, version, "passed", "", tuple(findings))


def expect(is_so: bool, what: str, got: object, expected: object) -> None:
    """Raise unless it is so.

    Raises:
        Failed: naming what, got and expected.
    """
    if not is_so:
        raise Failed(f"{what} is {got}, expected {expected}.")


def _make(experiment: Experiment) -> Finding:
    begin = time.monotonic()
    outcome: Outcome = "passed"
    why, figures = "", dict[str, Any]()
    try:
        figures = dict(experiment.run())
    except Skipped as skipped:
        outcome, why = "skipped", str(skipped)
    except PluginError as error:
        outcome, why = "failed", str(error)
    except subprocess.TimeoutExpired as hung:
        name = Path(hung.cmd if isinstance(hung.cmd, str) else hung.cmd[0]).name
        outcome, why = "failed", f"{name} was not done after {hung.timeout:.0f} s."
    return Finding(experiment.name, outcome, why, time.monotonic() - begin, figures)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return round(value, PLACES) if isinstance(value, float) else value
