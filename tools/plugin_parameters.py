"""The plugin's parameters, made from the engine's table and from what only a plugin needs.

In:  `engine.params.PARAMETERS` and the rows below. Out: the text of
`plugin_host/core/include/antiphon/parameters.h`. `python -m tools.plugin_parameters` writes it, and
a test compares. A host stores automation by `id` and by place in the list: rows are only ever added
at the end, and none is renamed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.command import FREEZE_MAX_BARS, MODES, SLOTS
from engine.params import PARAMETERS, Parameter

ROOT: Final = Path(__file__).resolve().parents[1]
PLACE: Final = "plugin_host/core/include/antiphon/parameters.h"

FROM_ENGINE: Final = (  # in the plugin's order; the rest of a row is the engine's
    "glide", "temperature", "guidance", "density", "brightness", "drums", "key", "tempo",
    "notes_only", "seed", "call_bars", "response_bars", "level",
)  # fmt: skip
ADDED: Final = ("harmony",)  # behind the plugin's own, since projects hold those at their places
LABELS: Final = {"notes_only": "Only held notes", "call_bars": "Listen for", "glide": "Crossfade",
                 "response_bars": "Answer for", "harmony": "Plan chords"}  # fmt: skip
SEED_MAX: Final = 2**24 - 1  # a host's parameter is a float32; above, it could not tell seeds apart


@dataclass(frozen=True)
class Row:
    """One parameter of the plugin."""

    parameter: Parameter
    target: str  # who obeys it: engine, weight, mode, freeze or plugin
    label: str

    @property
    def can_be_left(self) -> bool:
        """Whether "not given" is a value of it."""
        return self.parameter.default is None


def rows() -> list[Row]:
    """All parameters, in the order in which hosts list them."""
    weights = [_weight(index) for index in range(1, SLOTS + 1)]
    engine = [_of_engine(name) for name in FROM_ENGINE]
    return [*weights, *engine, *_OF_PLUGIN, *(_of_engine(name) for name in ADDED)]


def _weight(index: int) -> Row:
    help_ = f"How much of prompt {index} is in the mix; below 0 pushes away from it."
    first = 1.0 if index == 1 else 0.0
    made = Parameter(
        name=f"weight_{index}", kind="number", help=help_, low=-2.0, high=2.0, default=first
    )
    return Row(made, "weight", f"Weight {index}")


def _of_engine(name: str) -> Row:
    found = PARAMETERS[name]
    if name == "seed":
        found = Parameter(**{**vars(found), "high": SEED_MAX})
    return Row(found, "engine", LABELS.get(name, name.replace("_", " ").capitalize()))


_OF_PLUGIN: Final = [
    Row(
        Parameter(
            name="mode", kind="choice", choices=MODES, default="play",
            help="Play, listen, continue what is heard, or answer it in turns.",
        ),
        "mode", "Mode",
    ),
    Row(
        Parameter(
            name="freeze", kind="switch", default=False,
            help="Repeat the last bars as they were played.",
        ),
        "freeze", "Freeze",
    ),
    Row(
        Parameter(
            name="freeze_bars", kind="integer", unit="bars", low=1, high=FREEZE_MAX_BARS, default=1,
            help="How many bars Freeze repeats.",
        ),
        "freeze", "Freeze bars",
    ),
    Row(
        Parameter(
            name="quantise", kind="choice", choices=("now", "beat", "bar", "phrase"), default="now",
            help="When a prompt, a mode or a freeze takes effect.",
        ),
        "plugin", "Switch on",
    ),
    Row(
        Parameter(
            name="phrase_bars", kind="integer", unit="bars", low=1, high=64, default=4,
            help="How long a phrase is, for switching on phrases.",
        ),
        "plugin", "Phrase",
    ),
    Row(
        Parameter(
            name="mix", kind="number", default=0.5,
            help="0 only what comes in, 0.5 both in full, 1 only what is made.",
        ),
        "plugin", "Mix",
    ),
    Row(
        Parameter(
            name="bypass", kind="switch", default=False,
            help="Pass what comes in, and nothing else.",
        ),
        "plugin", "Bypass",
    ),
    Row(
        Parameter(
            name="on_stop", kind="choice", choices=("stop", "keep playing"), default="stop",
            help="What the music does when the host stops.",
        ),
        "plugin", "When stopped",
    ),
    Row(
        Parameter(
            name="same_again", kind="switch", default=True,
            help="Every start with the same seed and settings plays the same music.",
        ),
        "plugin", "Same again",
    ),
    Row(
        Parameter(
            name="buffer", kind="choice", choices=("low", "normal", "safe"), default="normal",
            help="Sound held ready: less answers sooner, more survives a busier machine.",
        ),
        "plugin", "Buffer",
    ),
    Row(
        Parameter(
            name="take", kind="choice", choices=("live", "record", "replay"), default="live",
            help="Play live, record what is heard as well, or replay it at its place, bit for bit.",
        ),
        "plugin", "Take",
    ),
]  # fmt: skip

_TEMPLATE: Final = """\
// The plugin's parameters: one row each, in the order in which hosts list them.
//
// Generated by `python -m tools.plugin_parameters` from engine/params.py; do not edit.
//
// Ids and places never change, because projects hold them; new rows come last. A value is a float:
// a number, the index of a choice, 0 or 1; where `can_be_left` says so, NaN means "not given", and
// the prompt, the model or the bundle decides.

#pragma once

#include <limits>

namespace antiphon {{

inline constexpr float kNotGiven = std::numeric_limits<float>::quiet_NaN();

enum class Kind {{ number, integer, choice, onoff }};
enum class Target {{ engine, weight, mode, freeze, plugin }};  // who obeys it

struct Parameter {{
    const char* id;
    const char* label;
    Kind kind;
    Target target;
    const char* unit;
    float low, high;    // of a number or an integer, included
    bool can_be_left;   // "not given" is a value, and the one it starts with
    float start;        // what it starts with; 0 where it can be left
    const char* const* choices;
    int choice_count;
    const char* help;
}};

inline constexpr int kPromptSlots = {slots};
inline constexpr int kMaxPromptCharacters = {characters};

namespace choices {{
{choices}
}}  // namespace choices

inline constexpr Parameter kParameters[] = {{
{rows}
}};
inline constexpr int kParameterCount = {count};

// Where each one is in the list.
namespace id {{
{ids}
}}  // namespace id

}}  // namespace antiphon
"""


def header() -> str:
    """The header's text."""
    from engine.prompt_parser import MAX_CHARACTERS

    found = rows()
    named = [row for row in found if row.parameter.kind == "choice"]
    return _TEMPLATE.format(
        slots=SLOTS,
        characters=MAX_CHARACTERS,
        choices="\n".join(_choices(row.parameter) for row in named),
        rows="\n".join(_line(row) for row in found),
        count=len(found),
        ids="\n".join(
            f"inline constexpr int {row.parameter.name} = {index};"
            for index, row in enumerate(found)
        ),
    )


def _choices(parameter: Parameter) -> str:
    words = ", ".join(f'"{choice}"' for choice in parameter.choices)
    return f"inline constexpr const char* {parameter.name}[] = {{{words}}};"


def _line(row: Row) -> str:
    found = row.parameter
    kind = {"switch": "onoff"}.get(found.kind, found.kind)
    choices = f"choices::{found.name}" if found.choices else "nullptr"
    return (
        f'    {{"{found.name}", "{row.label}", Kind::{kind}, Target::{row.target}, '
        f'"{found.unit}", {_number(found.low)}, {_number(found.high)}, '
        f"{str(row.can_be_left).lower()}, {_number(_start(found))}, {choices}, "
        f'{len(found.choices)},\n     "{found.help}"}},'
    )


def _start(found: Parameter) -> float:
    if found.kind == "choice":
        return float(found.choices.index(str(found.default))) if found.default else 0.0
    return float(found.default or 0)


def _number(value: float) -> str:
    return f"{float(value)!r}f"


def main() -> None:
    """Write the header."""
    (ROOT / PLACE).write_text(header())


if __name__ == "__main__":
    main()
