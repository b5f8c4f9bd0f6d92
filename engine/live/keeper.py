"""The keeper: kept bars get a name, a file, and a log of their own that replays them.

In:  how many bars. Out: `kept-01-124bpm-A-minor.wav` in the take's folder and, where the take is
logged, `kept-01-124bpm-A-minor.jsonl` beside it: the log up to there, with a mark that says which
samples of its replay the file holds. The mark is put into the take's log first; when it is on the
disk, so is everything before it. One thread.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import Final

from engine.control_log import heard_path
from engine.errors import OptionError
from engine.keep import Cut, Facts, KeepAs, Kept, Past, keep, suffix_of
from engine.live.values import in_bars
from engine.operation import Ended
from engine.output import reserve

_PATIENCE_SECONDS: Final = 2.0  # for the log to reach the disk
_POLL_SECONDS: Final = 0.01
_TAIL_BYTES: Final = 1 << 16  # in which the mark is looked for; a line may be longer, a mark is not


class Keeper:
    """Keeps bars of one take.

    Args:
        past: what was heard.
        rate: Hz, the bundle's.
        frame_samples: of the output.
        facts: tells what the music is at the moment.
        folder: where files go.
        kind: their format.
        log: the take's log; None where there is none.
        mark: leaves a note in it.
    """

    def __init__(
        self,
        past: Past,
        rate: int,
        frame_samples: int,
        facts: Callable[[], Facts],
        folder: Path,
        *,
        kind: KeepAs = "wav",
        log: Path | None = None,
        mark: Callable[[str], object] | None = None,
    ) -> None:
        self._past, self._rate, self._frame_samples = past, rate, frame_samples
        self._facts, self._folder, self._kind = facts, folder, kind
        self._log, self._mark = log, mark
        self.kept: list[Kept] = []

    def keep(self, bars: int) -> str:
        """Write the last whole bars; returns what to tell the player.

        Raises:
            InputError: no whole bar was heard yet.
            OptionError: a file cannot be written.
        """
        facts = self._facts()
        path = self._free_path(facts)
        kept = keep(self._past, self._rate, bars, path, facts, self._kind)
        self.kept.append(kept)
        if self._log is not None and self._mark is not None:
            self._write_log(kept, self._log, self._mark)
        return _said(kept, bars)

    def _free_path(self, facts: Facts) -> Path:
        """A name that is not taken: number, tempo and key."""
        words = [] if facts.tempo_bpm is None else [f"{facts.tempo_bpm:.4g}bpm"]
        words += [facts.key.replace("#", "sharp").replace(" ", "-")] if facts.key else []
        number = len(self.kept) + 1
        while any(self._folder.glob(f"kept-{number:02}[-.]*")):
            number += 1
        name = "-".join([f"kept-{number:02}", *words])
        return self._folder / f"{name}{suffix_of(self._kind)}"

    def _write_log(self, kept: Kept, log: Path, mark: Callable[[str], object]) -> None:
        text = f"{kept.path.name}: samples {kept.cut.first} to {kept.cut.end}"
        mark(text)
        target = kept.path.with_suffix(".jsonl")
        with reserve(target, ".jsonl") as part:
            part.write_bytes(_up_to_mark(log, text, self._end_frame(kept.cut)))
        heard = heard_path(log)
        if heard.exists():
            _link_or_copy(heard, heard_path(target))

    def _end_frame(self, cut: Cut) -> int:
        return -(-cut.end // self._frame_samples)


def _up_to_mark(log: Path, text: str, end_frame: int) -> bytes:
    """The log's lines up to a mark that was just put in, and an end that comes after the cut."""
    line = json.dumps(text).encode()
    for _ in range(round(_PATIENCE_SECONDS / _POLL_SECONDS)):
        raw = log.read_bytes()
        at = raw.rfind(line, max(0, len(raw) - _TAIL_BYTES))
        end = raw.find(b"\n", at) + 1
        if at >= 0 and end > 0:
            frame = json.loads(raw[raw.rfind(b"\n", 0, at) + 1 : end])["frame"]
            ended = Ended(frame=max(frame, end_frame))
            return raw[:end] + json.dumps(ended.to_json()).encode() + b"\n"
        sleep(_POLL_SECONDS)
    raise OptionError(
        f"{log} did not grow in {_PATIENCE_SECONDS:g} s: the bars were kept, without a log of "
        "their own. Is the disk full?"
    )


def _link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name; where the disk cannot do that, copy it."""
    try:
        os.link(source, target)
    except OSError:
        try:
            shutil.copyfile(source, target)
        except OSError as exc:
            raise OptionError(f"{target} cannot be written ({exc.strerror}).") from exc


def _said(kept: Kept, wanted: int) -> str:
    said = f"kept {in_bars(kept.cut.bars)} ({kept.seconds:.1f} s) as {kept.path.name}"
    if kept.cut.bars < wanted:
        said += f"; more were not heard, or are not remembered ({in_bars(wanted)} asked for)"
    if kept.clipped:
        said += f"; {kept.clipped:,} samples were beyond full scale and were cut to it"
    return said
