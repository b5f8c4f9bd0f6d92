"""The control log: a performance as one JSON object per line, written while it is played.

In:  what was opened, then every operation as it is carried out. Out: the same, read back.
A line is on its way to the disk as soon as it is written, after the sound that it speaks of, so
whatever kills the writer leaves a performance up to there. A last line without its end is left out,
with a remark; anything else that is not as written is an `InputError` with file and line.

    {"op": "open", "format": 1, "bundle": "...", "rate": 24000, "channels": 1, "seed": 7, ...}
    {"op": "ask", "frame": 52, "ask": {...}, "style": "...", "since": 50}
    {"op": "rewind", "frame": 55, "to": 53}
    {"op": "end", "frame": 15000}
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine import __version__, record
from engine.bundle import Bundle
from engine.errors import AntiphonError, InputError, OptionError
from engine.heard_file import HeardReader, HeardWriter, unwritable
from engine.listening.ear import fit
from engine.operation import Ended, Heard, Operation, Rewound
from engine.options import SamplingOptions, check_seed
from engine.spec import AudioFormat

Audio = NDArray[np.float32]
T = TypeVar("T")

FORMAT: Final = 1
MAX_LINE_BYTES: Final = 1 << 20  # a transport with ten thousand changes of tempo
MAX_LINES: Final = 1 << 24  # days


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What was played, and how it began."""

    bundle: str  # its id, 64 hexadecimal digits
    rate: int  # Hz, the bundle's
    channels: int  # the bundle's
    backend: str  # that ran the graphs; another one rounds otherwise
    seed: int
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    version: str = __version__  # of the program that wrote it
    format: int = FORMAT

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.format != FORMAT:
            next_move = "Use the version that wrote it."
            raise OptionError.of("format of the log", self.format, str(FORMAT), next_move)
        if not (8_000 <= self.rate <= 192_000 and 1 <= self.channels <= 2):
            got = f"{self.rate} Hz, {self.channels} channels"
            raise OptionError.of("audio of the log", got, "8 to 192 kHz in 1 or 2 channels")

    @classmethod
    def of(cls, bundle: Bundle, seed: int, sampling: SamplingOptions | None) -> "Opened":
        """What a performer of a bundle begins with."""
        return cls(
            bundle=bundle.id,
            rate=bundle.audio.rate,
            channels=bundle.audio.channels,
            backend=bundle.backend.name,
            seed=seed,
            sampling=sampling or SamplingOptions(),
        )


def heard_path(log: Path) -> Path:
    """Where the sound lies that a log speaks of: `take.jsonl`, `take.input.wav`."""
    return log.with_suffix(".input.wav")


class LogWriter:
    """Writes one log, and what was heard beside it. For one thread."""

    def __init__(self, path: Path, opened: Opened) -> None:
        """Begin a log.

        Raises:
            OptionError: it is there already, or cannot be written.
        """
        self.path = path
        self._audio = AudioFormat(rate=opened.rate, channels=opened.channels)
        self._heard: HeardWriter | None = None
        try:
            self._file = path.open("x", encoding="utf-8", newline="\n", buffering=1)
        except OSError as exc:
            raise unwritable(path, exc) from exc
        self._write({"op": "open", **record.write_fields(opened)})

    def write(self, operation: Operation) -> None:
        """Append an operation that was carried out; `hear` writes those that bring sound.

        Raises:
            OptionError: the disk is full or the like.
        """
        self._write(operation.to_json())

    def hear(self, frame: int, audio: Audio) -> None:
        """Append a heard frame, its sound first.

        Args:
            frame: the performer's next frame.
            audio: [1 or 2, F], as it was given to `Performer.hear`.

        Raises:
            OptionError: the disk is full or the like.
            ShapeError: not one frame.
        """
        if self._heard is None:
            path = heard_path(self.path)
            self._heard = HeardWriter(path, self._audio.rate, self._audio.channels)
        operation = Heard(frame=frame, sample=self._heard.samples)
        self._heard.write(fit(audio, self._audio).audio)
        self._write(operation.to_json())

    def close(self) -> None:
        """End the files. A log without an `Ended` replays up to its last operation."""
        if self._heard is not None:
            self._heard.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, found: dict[str, Any]) -> None:
        line = json.dumps(found, allow_nan=False, separators=(",", ":"))
        try:
            self._file.write(f"{line}\n")
        except OSError as exc:
            raise unwritable(self.path, exc) from exc


@dataclass(frozen=True, kw_only=True)
class Take:
    """A log, read back."""

    path: Path
    opened: Opened
    operations: tuple[Operation, ...]
    lines: tuple[int, ...]  # where each operation stands in the file
    remarks: tuple[str, ...]  # what was left out, and why

    def where(self, index: int) -> str:
        """File and line of an operation."""
        return f"{self.path}:{self.lines[index]}"

    def heard(self) -> HeardReader | None:
        """The sound that it speaks of; None where nothing was heard.

        Raises:
            AudioFileError: missing, or not the log's.
        """
        if not any(isinstance(operation, Heard) for operation in self.operations):
            return None
        return HeardReader(heard_path(self.path), self.opened.rate, self.opened.channels)


def read(path: Path) -> Take:
    """Read a log.

    Raises:
        InputError: missing, or a line that no log has; names file and line.
    """
    remarks: list[str] = []
    found = list(_objects(path, remarks))
    if not found or not isinstance(found[0], dict) or found[0].pop("op", None) != "open":
        raise InputError(f"{path}:1: expected a line with op 'open', as every log begins.")
    opened = _believed(path, 1, lambda: record.read(Opened, found[0], "open"))
    operations: list[Operation] = []
    for number, entry in enumerate(found[1:], 2):
        operation = _believed(path, number, partial(Operation.from_json, entry))
        _require_order(path, number, operations, operation)
        operations.append(operation)
    lines = tuple(range(2, len(found) + 1))
    return Take(
        path=path,
        opened=opened,
        operations=tuple(operations),
        lines=lines,
        remarks=tuple(remarks),
    )


def _objects(path: Path, remarks: list[str]) -> Iterator[Any]:
    """The lines' JSON, in order."""
    try:
        with path.open("rb") as file:
            for number in range(1, MAX_LINES):
                line = file.readline(MAX_LINE_BYTES)
                if not line:
                    return
                is_whole = line.endswith(b"\n")
                if not is_whole and len(line) == MAX_LINE_BYTES:
                    raise InputError(f"{path}:{number}: longer than {MAX_LINE_BYTES:,} bytes.")
                try:
                    yield json.loads(line, parse_constant=_refuse)
                except (ValueError, RecursionError) as exc:
                    if not is_whole:
                        remarks.append(f"{path}:{number}: cut off, so it was left out.")
                        return
                    raise InputError(f"{path}:{number}: not JSON ({exc}).") from exc
    except OSError as exc:
        raise InputError(f"{path} cannot be read ({exc.strerror}).") from exc
    raise InputError(f"{path} has more than {MAX_LINES:,} lines.")


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _believed(path: Path, number: int, read_line: Callable[[], T]) -> T:
    try:
        return read_line()
    except AntiphonError as exc:
        raise InputError(f"{path}:{number}: {exc}") from exc


def _require_order(path: Path, number: int, before: list[Operation], operation: Operation) -> None:
    """A performer's next frame grows, but for rewinds; nothing comes behind the end."""
    last = before[-1] if before else None
    least = 0
    if last is not None:
        least = last.to if isinstance(last, Rewound) else last.frame
    if isinstance(last, Ended) or operation.frame < least:
        what = "comes behind the end" if isinstance(last, Ended) else f"is before {least}"
        raise InputError(
            f"{path}:{number}: frame {operation.frame} {what}, expected operations in their order."
        )
    if isinstance(operation, Rewound) and operation.to > operation.frame:
        raise InputError(
            f"{path}:{number}: a rewind from {operation.frame} to {operation.to} goes forward."
        )
