"""The player: line commands become asks.

In:  lines, typed, from keys or from a pedal. Out: asks to the runner, pulses to the host, and what
the stage is to do (keep bars, show help, quit). Remembers what it asked for, so that a key can step
a value or go to the next mode. No threads, no files, no terminal; the time of day comes as a
function. One thread.
"""

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Final, cast

from engine.ask import Ask, When
from engine.command import (
    MODES,
    Command,
    Freeze,
    Mode,
    Panic,
    Pick,
    Prime,
    SetHeard,
    SetMode,
    SetParam,
    SetPrompt,
    SetWeight,
)
from engine.errors import InputError
from engine.live.host import Host, Pulse
from engine.live.lines import SLOT_WORDS, Kind, Line, read, slot_number
from engine.live.midi_map import MidiMap
from engine.live.values import in_bars, number, read_value, shown, whole
from engine.options import KEEP_BARS
from engine.params import PARAMETERS, Value
from engine.taps import Taps

PHRASE_BARS: Final = 4  # what `phrase` before a command means
FREEZE_BARS: Final = 1
MAX_KEEP_BARS: Final = 64


class Asker:
    """Names asks and hands them on. [any-thread]"""

    def __init__(self, ask: Callable[[Ask], object], prefix: str = "live") -> None:
        self._ask, self._prefix, self._numbers = ask, prefix, count(1)

    def __call__(
        self, command: Command, when: Kind = "now", glide_seconds: float | None = None
    ) -> None:
        """Ask for a command at a time; a glide of None is parameter "glide"."""
        bars = PHRASE_BARS if when == "phrase" else None
        ask = Ask(
            id=f"{self._prefix}-{next(self._numbers)}",
            command=command,
            when=When(kind=when, bars=bars),
            glide_seconds=glide_seconds,
        )
        self._ask(ask)


class Player:
    """What one player has asked for so far.

    Args:
        asker: takes the asks.
        host: is told to stop and to go on.
        now: seconds, for taps; the clock of the host's pulses.
        propose_tempo: takes a tapped tempo where somebody else keeps time; None: ask for it.
        defaults: of parameters whose own default is "not given", so that they can be stepped.
        keep_bars: how many bars the key keeps.
        has_input: whether anything is listened to.
        understand: listens to an audio file that is to be continued.
    """

    def __init__(
        self,
        asker: Asker,
        host: Host,
        now: Callable[[], float],
        *,
        propose_tempo: Callable[[float], None] | None = None,
        defaults: Mapping[str, Value] | None = None,
        keep_bars: int = KEEP_BARS,
        has_input: bool = True,
        understand: Callable[[Path], Prime] | None = None,
    ) -> None:
        check_keep_bars(keep_bars)
        self._asker, self._host, self._now = asker, host, now
        self._propose_tempo = propose_tempo
        self._defaults = {name: row.default for name, row in PARAMETERS.items()}
        self._defaults.update(defaults or {})
        self._values = dict(self._defaults)
        self._keep_bars, self._has_input = keep_bars, has_input
        self._understand = understand or _cannot_understand
        self._taps = Taps()
        self._frozen = False
        self.texts: dict[int, str] = {}  # of the slots, as typed
        self.slot = 1  # the one picked last
        self.mode: Mode = "play"
        self.when: Kind | None = None  # of the next command, where it does not say
        self.keeps: list[int] = []  # bars to keep; whoever keeps them takes them out
        self.learning: str | None = None  # what the next knob or pedal is to do
        self.wants_help = False
        self.has_quit = False

    def do(self, text: str) -> str:
        """Obey one line.

        Returns:
            What to tell the player, or "".

        Raises:
            InputError, OptionError: the line cannot be read, or asks for what is not allowed.
        """
        line = read(text)
        if not line.verb:
            self.when = line.when
            return f"on the next {line.when}" if line.when not in (None, "now") else ""
        when, self.when = line.when or self.when or "now", None
        return _DOES[line.verb](self, line, when)

    def ask(self, command: Command, when: Kind = "now", glide: float | None = None) -> None:
        """Ask for a command, and remember it; a glide of None is parameter "glide"."""
        self._asker(command, when, glide)
        self.notice(command)

    def notice(self, command: Command) -> None:
        """Remember what was asked for, here or by a controller, so that keys go on from there."""
        match command:
            case Pick(index=index):
                self.slot = index
            case SetPrompt(index=index, text=text):
                self.texts[index] = text
            case SetParam(name=name, value=value):
                self._values[name] = self._defaults[name] if value is None else value
            case SetMode(mode=mode):
                self.mode = mode
            case Freeze(bars=bars):
                self._frozen = bars > 0
            case Prime():
                self._frozen = False
                self.mode = "play" if self.mode == "play" else "continue"
            case Panic():
                self._frozen = False

    # --- verbs ----------------------------------------------------------------------------------

    def _pick(self, line: Line, when: Kind) -> str:
        index = slot_number(line.rest)
        self.ask(Pick(index=index), when)
        return "" if self.texts.get(index) else f"slot {index} is empty; type a prompt with /"

    def _prompt(self, line: Line, when: Kind) -> str:
        head, _, rest = line.rest.partition(" ")
        has_number = head in SLOT_WORDS and bool(rest)  # after a / a number is part of the prompt
        index = int(head) if has_number else self.slot
        text = rest.strip() if has_number else line.rest.removeprefix("/").strip()
        self.ask(SetPrompt(index=index, text=text), when)
        return f"slot {index}: {text or 'empty'}"

    def _weight(self, line: Line, when: Kind) -> str:
        words = line.rest.split()
        if len(words) != 2:
            raise InputError(f"weight {line.rest!r} cannot be read, expected like: weight 3 0.5")
        index, weight = slot_number(words[0]), number("weight", words[1])
        self.ask(SetWeight(index=index, weight=weight), when)
        return f"slot {index} weighs {weight:g}"

    def _set(self, line: Line, when: Kind) -> str:
        name, _, word = line.rest.partition(" ")
        row = PARAMETERS.get(name)
        if row is None or not word.strip():
            expected = f"a parameter ({', '.join(PARAMETERS)}) and a value"
            raise InputError(f"set {line.rest!r} cannot be read, expected {expected}.")
        value = read_value(row, word.strip(), self._values[name])
        if name == "tempo" and value is not None:
            self._set_tempo(float(value), when)
        else:
            self.ask(SetParam(name=name, value=value), when)
        return f"{name} {shown(row, value)}"

    def _tap(self, line: Line, when: Kind) -> str:
        self._taps = self._taps.tap(self._now())
        if self._taps.bpm is None:
            return "tap again"
        bpm = round(self._taps.bpm, 1)
        self._set_tempo(bpm, when)
        return f"tempo {bpm:g} bpm"

    def _set_tempo(self, bpm: float, when: Kind) -> None:
        if self._propose_tempo is not None:
            self._propose_tempo(bpm)
        elif self._host.keeps_time:
            raise InputError("the tempo is the clock's that is followed. Change it there.")
        else:
            self.ask(SetParam(name="tempo", value=bpm), when, 0.0)

    def _play(self, line: Line, when: Kind) -> str:
        return self._let_play(not self._host.is_playing)

    def _start(self, line: Line, when: Kind) -> str:
        return self._let_play(True)

    def _stop(self, line: Line, when: Kind) -> str:
        return self._let_play(False)

    def _let_play(self, playing: bool) -> str:
        self._host.say(Pulse(second=self._now(), playing=playing))
        return "go" if playing else "stopped"

    def _freeze(self, line: Line, when: Kind) -> str:
        default = 0 if self._frozen else FREEZE_BARS
        bars = whole("bars", line.rest) if line.rest else default
        self.ask(Freeze(bars=bars), when)
        return f"the last {in_bars(bars)} again and again" if bars else "going on"

    def _panic(self, line: Line, when: Kind) -> str:
        self.ask(Panic())
        return "panic: silence; pick a slot or a mode to play again"

    def _keep(self, line: Line, when: Kind) -> str:
        bars = whole("bars", line.rest) if line.rest else self._keep_bars
        check_keep_bars(bars)
        self.keeps.append(bars)
        return ""

    def _mode(self, line: Line, when: Kind) -> str:
        name = line.rest or MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        self.ask(SetMode(mode=cast(Mode, name)), when)
        if name != "play" and not self._has_input:
            return f"mode {name}, but nothing is listened to; start with --input"
        return f"mode {name}"

    def _heard(self, line: Line, when: Kind) -> str:
        index = slot_number(line.rest) if line.rest else self.slot
        self.ask(SetHeard(index=index), when)
        return f"slot {index}: what is heard"

    def _prime(self, line: Line, when: Kind) -> str:
        if not line.rest:
            raise InputError("prime needs an audio file, as in: prime my take.wav")
        command = self._understand(Path(line.rest))
        self.ask(command, when)
        return f"going on from {in_words(command)}"

    def _learn(self, line: Line, when: Kind) -> str:
        if line.rest:
            MidiMap().learn(1, 0, line.rest)  # refuses what no control can do
        self.learning = line.rest or None
        return f"move a knob or press a pedal for: {line.rest}" if line.rest else ""

    def _help(self, line: Line, when: Kind) -> str:
        self.wants_help = True
        return ""

    def _quit(self, line: Line, when: Kind) -> str:
        self.has_quit = True
        return ""


_DOES: Final[dict[str, Callable[[Player, Line, Kind], str]]] = {
    "pick": Player._pick,
    "prompt": Player._prompt,
    "weight": Player._weight,
    "set": Player._set,
    "tap": Player._tap,
    "play": Player._play,
    "start": Player._start,
    "stop": Player._stop,
    "freeze": Player._freeze,
    "panic": Player._panic,
    "keep": Player._keep,
    "mode": Player._mode,
    "heard": Player._heard,
    "prime": Player._prime,
    "learn": Player._learn,
    "help": Player._help,
    "quit": Player._quit,
}


def in_words(take: Prime) -> str:
    """What was understood of a take: `mine.wav, 122 bpm, A minor`."""
    tempo = "" if take.tempo_bpm is None else f"{take.tempo_bpm:.4g} bpm"
    return ", ".join(word for word in (take.said, tempo, take.key) if word)


def _cannot_understand(path: Path) -> Prime:
    raise InputError(f"{path} cannot be continued here: nobody listens to files.")


def check_keep_bars(bars: int) -> None:
    """Refuse a number of bars that is not kept.

    Raises:
        InputError: less than 1, or more than 64.
    """
    if not 1 <= bars <= MAX_KEEP_BARS:
        raise InputError(f"{bars} bars cannot be kept, expected 1 to {MAX_KEEP_BARS}.")
