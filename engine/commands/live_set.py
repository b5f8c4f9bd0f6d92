"""A live set, put together: bundle, device, runner, hands and stage, and the report at the end.

In:  what the player chose. Out: music, a take in a folder, and a report. Everything that can be
refused is refused before the first sample; whatever happens after it, the take is on the disk.
"""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Final, Self

from engine import audio_file
from engine.clock import SystemClock
from engine.command import Prime, SetParam
from engine.commands import live_report
from engine.commands.report import JsonObject, print_json
from engine.commands.take import open_bundle
from engine.control_log import LogWriter, Opened
from engine.errors import BackendError
from engine.keep import Facts
from engine.live import midi_map
from engine.live.choices import Choices
from engine.live.device import Device
from engine.live.host import Host
from engine.live.keeper import Keeper
from engine.live.link import LinkClock, join
from engine.live.midi_hands import MidiHands
from engine.live.midi_input import MidiInput
from engine.live.midi_port import MidiPorts
from engine.live.player import Asker, Player
from engine.live.rehearsal import Witness, rehearse
from engine.live.screen import Screen
from engine.live.sound_card import SoundCard
from engine.live.stage import Stage
from engine.live.take_folder import TakeFolder
from engine.live.terminal import open_input
from engine.runner import Runner
from engine.spec import FRAME_RATE

_ALL: Final = "all"
_DEFAULT: Final = "default"
_LINK_BPM: Final = 120.0  # where no tempo is given and no peer has one


def play(choices: Choices, *, as_json: bool) -> None:
    """Play a set until it is over, and report.

    Raises:
        AntiphonError: something that was chosen cannot be, or the engine failed while it played.
    """
    with LiveSet(choices) as live_set:
        live_set.play()
    report = live_set.report()
    if as_json:
        print_json(report)
    else:
        live_report.show(report)
    live_set.require_success()


class LiveSet:
    """Everything that is open while a set is played; closed in the right order at its end."""

    def __init__(self, choices: Choices) -> None:
        self._choices, self._begin = choices, choices.opening()
        self._clock, self._host = SystemClock(), Host()
        self._witness: Witness | None = None
        self._open = ExitStack()
        self._is_interrupted = False

    def __enter__(self) -> Self:
        with ExitStack() as opened:  # closes what is open if something else cannot be opened
            self._put_together(opened)
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def play(self) -> None:
        """Play until it is over."""
        self._stage.play()

    # --- putting together -----------------------------------------------------------------------

    def _put_together(self, opened: ExitStack) -> None:
        choices = self._choices
        card = None if choices.is_null else self._sound_card()
        self._bundle = open_bundle(choices.bundle, choices.engine)
        self._device = card or self._null_device()
        self._folder = TakeFolder(choices.take, datetime.now().astimezone())
        opened.enter_context(self._interruptions())
        opened.callback(self._folder.discard_unplayed)
        self._runner = self._new_runner()
        opened.callback(self._runner.stop)
        asker = Asker(self._runner.ask)
        midi, ports = self._midi(asker, opened)
        link = self._link(opened)
        self._player = self._new_player(asker, link)
        self._keeper = self._new_keeper()
        source = opened.enter_context(open_input())
        screen = opened.enter_context(Screen())
        self._stage = Stage(
            runner=self._runner,
            device=self._device,
            player=self._player,
            host=self._host,
            source=source,
            screen=screen,
            keeper=self._keeper,
            now=self._clock.now,
            is_over=self._is_over,
            midi=midi,
            save_controls=lambda controls: midi_map.save(midi_map.file_path(), controls),
            link=link,
        )
        self._begin_to_play(opened)
        screen.tell(_welcome(self._device, self._folder, ports))

    def _begin_to_play(self, opened: ExitStack) -> None:
        for command in self._begin.commands():
            self._player.ask(command, glide=0.0)
        if self._choices.prime is not None:
            self._player.ask(self._understand(self._choices.prime))
        self._player.ask(SetParam(name="glide", value=self._choices.glide))
        self._runner.start()  # embeds the prompts, and makes the first sound
        opened.callback(self._device.stop)
        self._device.start(self._runner.exchange)
        self._folder.is_played = True

    def _sound_card(self) -> SoundCard:
        choices = self._choices
        return SoundCard(
            self._host,
            device=_index_or_name(choices.device),
            listen=None if choices.listen == _DEFAULT else _index_or_name(choices.listen),
            has_input=choices.listen is not None,
            rate=choices.rate,
            block=choices.block,
            now=self._clock.now,
        )

    def _null_device(self) -> Device:
        choices, audio = self._choices, self._bundle.audio
        device, self._witness = rehearse(
            self._host,
            self._clock.now,
            rate=choices.rate or audio.rate,
            channels=audio.channels,
            block=choices.block,
            seconds=choices.seconds,
            play=choices.listen,
        )
        return device

    def _new_runner(self) -> Runner:
        choices, seed = self._choices, self._begin.seed
        return Runner(
            self._bundle,
            rate=self._device.rate,
            channels=self._device.channels,
            lead_ms=choices.lead_ms,
            block=choices.block,
            listens=self._device.has_input,
            seed=seed,
            sampling=choices.sampling,
            log=LogWriter(self._folder.log, Opened.of(self._bundle, seed, choices.sampling)),
            clock=self._clock,
        )

    def _midi(self, asker: Asker, opened: ExitStack) -> tuple[MidiHands | None, list[str]]:
        choices = self._choices
        if not choices.midi:
            return None, []
        controls = MidiInput(
            midi_map.load(midi_map.file_path()),
            channel=choices.midi_channel,
            program_when=choices.programs_when,
            clock=not choices.has_link,
        )
        hands = MidiHands(controls, asker, self._host)
        wanted = [] if _ALL in choices.midi else choices.midi
        ports = MidiPorts(wanted, hands.hear, now=self._clock.now)
        opened.callback(ports.close)
        return hands, ports.names

    def _link(self, opened: ExitStack) -> LinkClock | None:
        if not self._choices.has_link:
            return None
        tempo = self._begin.params.get("tempo", _LINK_BPM)
        link = join(float(tempo), self._clock.now)
        opened.callback(link.close)
        return link

    def _new_player(self, asker: Asker, link: LinkClock | None) -> Player:
        choices, bundled = self._choices, self._bundle.manifest.sampling.guidance
        return Player(
            asker,
            self._host,
            self._clock.now,
            propose_tempo=link.set_tempo if link else None,
            defaults={
                "temperature": choices.temperature,
                "guidance": bundled if choices.guidance is None else choices.guidance,
            },
            keep_bars=choices.keep_bars,
            has_input=self._device.has_input,
            understand=self._understand,
        )

    def _understand(self, path: Path) -> Prime:
        audio = audio_file.read(path, self._bundle.audio)
        return self._runner.understand(audio, path.name)

    def _new_keeper(self) -> Keeper:
        audio = self._bundle.audio
        return Keeper(
            self._runner,
            audio.rate,
            audio.frame_samples,
            self._facts,
            self._folder.path,
            kind=self._choices.keep_kind,
            log=self._folder.log,
            mark=self._runner.mark,
        )

    def _facts(self) -> Facts:
        status = self._runner.status()
        return Facts(
            bundle=self._bundle.id,
            seed=status.seed,
            prompts=tuple(playing.said for playing in status.prompts if playing.weight > 0),
            tempo_bpm=status.tempo_bpm,
            key=status.key,
        )

    # --- the end --------------------------------------------------------------------------------

    @contextmanager
    def _interruptions(self) -> Iterator[None]:
        """Let Ctrl-C and a closed terminal end the set as a quit does."""
        kinds = (signal.SIGINT, signal.SIGHUP)
        before = [signal.signal(kind, self._interrupt) for kind in kinds]
        try:
            yield
        finally:
            for kind, handler in zip(kinds, before, strict=True):
                signal.signal(kind, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._is_interrupted = True

    def _is_over(self) -> bool:
        if self._is_interrupted or self._runner.failed.is_set():
            return True
        if self._witness is not None:
            return self._witness.is_full
        seconds = self._choices.seconds
        return seconds is not None and self._runner.status().heard_frame >= seconds * FRAME_RATE

    def require_success(self) -> None:
        """Say so if the engine failed.

        Raises:
            BackendError: it did.
        """
        if self._runner.failed.is_set():
            said = "; ".join(self._runner.status().problems)
            raise BackendError(f"{said}. The take up to there is {self._folder.log}.")

    def report(self) -> JsonObject:
        """What was played, and how well."""
        return live_report.fields(
            log=self._folder.log,
            bundle=self._bundle,
            device=self._device,
            status=self._runner.status(),
            kept=self._keeper.kept,
            witness=self._witness,
        )


def _index_or_name(word: str | None) -> int | str | None:
    return int(word) if word and word.isdecimal() else word


def _welcome(device: Device, folder: TakeFolder, ports: list[str]) -> str:
    midi = f", MIDI from {', '.join(ports)}" if ports else ""
    return (
        f"{device.name}, {device.rate:,} Hz{midi}; the take is {folder.log}. "
        "? shows the keys, q ends."
    )
