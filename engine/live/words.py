"""The status line in words: what a runner's status and a player's hands look like on a screen.

In:  a `Status`, what is in the slots, what is being typed. Out: lines of text, each with a tone.
Pure; knows no terminal.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from engine.live.keys import command_rows, key_rows
from engine.loop.status import SHED_WORDS, Status

Tone = Literal["plain", "loud", "dim", "alarm"]

_PROMPT_CHARACTERS: Final = 24  # of a slot's words that are shown


class Line(NamedTuple):
    """One line of the screen."""

    text: str
    tone: Tone = "plain"


def compose(
    status: Status,
    *,
    texts: Mapping[int, str],
    slot: int,
    typed: str | None,
    remark: str,
    problems: Sequence[str],
) -> list[Line]:
    """All lines, top to bottom.

    Args:
        status: the runner's.
        texts: what is in the slots, as typed.
        slot: the one picked last.
        typed: what is being typed, or None.
        remark: the last thing to tell the player.
        problems: of the device and others, beside the runner's own.
    """
    lines = [
        Line(song(status), "loud"),
        Line(slots(status, texts, slot)),
        Line(engine(status), "dim"),
    ]
    wrong = [*problems, *status.problems]
    if status.shed and SHED_WORDS[status.shed] not in wrong:
        wrong.append(SHED_WORDS[status.shed])
    lines += [Line(problem, "alarm") for problem in wrong]
    if typed is not None:
        lines.append(Line(f"{typed}_"))
    elif remark:
        lines.append(Line(remark))
    return lines


def song(status: Status) -> str:
    """Where the music is: `> bar 12.3  124 bpm  A minor  answer: listening`."""
    sign = ">" if status.is_playing else "="
    tempo = "free" if status.tempo_bpm is None else f"{status.tempo_bpm:.5g} bpm"
    doing = f"{status.mode}: {status.role}" if status.mode != "play" else status.mode
    where = f"bar {status.bar + 1}.{int(status.beat) + 1}"
    harmony = [status.key or "any key"] + ([status.chord] if status.chord else [])
    return "  ".join([f"{sign} {where}", tempo, *harmony, doing])


def slots(status: Status, texts: Mapping[int, str], slot: int) -> str:
    """The slots that hold something, and how much of each is heard."""
    weights = {playing.index: playing.weight for playing in status.prompts}
    said = {playing.index: playing.said for playing in status.prompts} | dict(texts)
    shown = []
    for index in sorted({*said, slot}):
        text = _short(said.get(index) or "empty")
        weight = weights.get(index, 0.0)
        share = f" {100 * weight:.0f}%" if weight else ""
        shown.append(f"[{index}] {text}{share}" if index == slot else f"{index} {text}{share}")
    return "  ".join(shown)


def engine(status: Status) -> str:
    """How the engine is: speed, lead, late frames, time to the ear, input."""
    facts = [
        f"{status.realtime_factor:.1f} x real time",
        f"lead {status.lead_ms:.0f} ms",
        f"late {status.late_frames}",
    ]
    if status.underruns:
        facts.append(f"gaps {status.underruns}")
    if status.prompt_to_ear_ms is not None:
        facts.append(f"to the ear {status.prompt_to_ear_ms:.0f} ms")
    if status.input_db is not None:
        heard = [f"input {status.input_db:.0f} dB"]
        if status.input_tempo_bpm is not None:
            heard.append(f"{status.input_tempo_bpm:.4g} bpm")
        if status.input_key is not None:
            heard.append(status.input_key)
        facts.append(" ".join(heard))
    if status.mode in ("continue", "answer"):
        facts.append(f"copied {100 * status.copy_rate:.0f}%")
    return "  ".join(facts)


def help_lines() -> list[str]:
    """The keys and the commands, in two columns each."""
    keys, commands = list(key_rows()), list(command_rows())
    return [*_columns(keys), "", *_columns(commands), ""]


def _columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:<{width}}  {what}" for name, what in rows]


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    if len(one_line) <= _PROMPT_CHARACTERS:
        return one_line
    return one_line[: _PROMPT_CHARACTERS - 1].rstrip() + "…"
