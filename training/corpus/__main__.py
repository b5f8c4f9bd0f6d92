"""`python -m training.corpus`: render hours of labelled music in parallel.

Progress on stderr, the table of what was made on stdout. Finished pieces are skipped, so the same
command resumes; a piece that fails is reported with its seed and the run goes on (exit status 1).
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from enum import StrEnum
from functools import partial
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from training.corpus import fluid, store
from training.corpus.piece import FIRST_SEEDS, Made, make_timed
from training.corpus.report import show, summarise

MAX_FAILURES_IN_A_ROW = 20  # then something is wrong with the machine, not with a piece
WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # glibc gives every large array back to the system at once, and fetching its pages anew took
    # 20 % of the time; kept, a piece costs 1.04 s of CPU instead of 1.29 s.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),  # the largest that glibc accepts
    "MALLOC_TRIM_THRESHOLD_": str(2**31),
    "MALLOC_TOP_PAD_": str(256 * 2**20),
}


class Split(StrEnum):
    """Which seeds: a piece belongs to exactly one split."""

    train = "train"
    valid = "valid"
    test = "test"
    mixture = "mixture"  # blends of two genres, for evaluation only
    sounds = "sounds"  # short clips that are no music, for the codec only


class Progressing:
    """The bar on stderr: minutes made, how fast, what failed."""

    def __init__(self, made_s: float, target_s: float) -> None:
        self.made_s, self.target_s, self.fresh_s = made_s, target_s, 0.0
        self.failures, self.streak, self.core_s = 0, 0, 0.0
        self.started = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task(
            "corpus", total=target_s, completed=int(min(made_s, target_s)), state=""
        )

    def add(self, seconds: float, core_s: float = 0.0) -> None:
        """Count a finished piece and the time a core spent on it."""
        self.made_s, self.fresh_s, self.streak = self.made_s + seconds, self.fresh_s + seconds, 0
        self.core_s += core_s
        self._update()

    def fail(self, seed: int, error: BaseException) -> None:
        """Count and report a piece that could not be made."""
        self.failures, self.streak = self.failures + 1, self.streak + 1
        self.say(f"seed {seed}: {type(error).__name__}: {error}")
        self._update()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self.bar.console.print(line, style="red", markup=False, highlight=False)

    @property
    def is_enough(self) -> bool:
        """Whether the split holds what was asked for."""
        return self.made_s >= self.target_s

    @property
    def realtime_factor(self) -> float:
        """Seconds of music per second, of this run."""
        return self.fresh_s / max(time.monotonic() - self.started, 1e-9)

    @property
    def hours_per_core_hour(self) -> float:
        """Hours of music per hour of one core's work, of this run; 0 where nothing was timed."""
        return self.fresh_s / self.core_s if self.core_s else 0.0

    def _update(self) -> None:
        speed = f"{self.realtime_factor:.1f}x real time"
        state = f"{self.made_s / 60:.1f} min  {speed}  {self.failures} failed"
        self.bar.update(self.task, completed=self.made_s, state=state)


def missing_seeds(out: Path, split: str, start: int) -> Iterator[int]:
    """Seeds of a split from `start` on that have no whole piece yet, without end."""
    for seed in count(FIRST_SEEDS[split] + start):
        if not (store.folder_of(out, split, seed) / store.PIECE).is_file():
            yield seed


Make = Callable[[int], Made]


def produce(
    pool: Executor, make_piece: Make, seeds: Iterator[int], at_once: int, progress: Progressing
) -> None:
    """Keep `at_once` pieces in the making until there is enough music or too much fails."""
    making: dict[Future[Made], int] = {}
    while True:
        while len(making) < at_once and not progress.is_enough:
            seed = next(seeds)
            making[pool.submit(make_piece, seed)] = seed
        if progress.streak >= MAX_FAILURES_IN_A_ROW:
            progress.say(
                f"{progress.streak} failures in a row: stopped. Mend the first one, resume."
            )
            return
        if not making:
            return
        for future in wait(making, return_when=FIRST_COMPLETED).done:
            seed, error = making.pop(future), future.exception()
            if isinstance(error, BrokenExecutor):
                raise error
            if error is not None:
                progress.fail(seed, error)
            else:
                info, core_s = future.result()
                progress.add(info["duration"], core_s)


def _require_sound_font() -> None:
    try:
        fluid.require()
    except fluid.SoundFontMissing as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def main(
    hours: Annotated[
        float, typer.Option(min=0.0, help="hours of music the split shall hold")
    ] = 1.0,
    split: Annotated[Split, typer.Option(help="which seeds")] = Split.train,
    out: Annotated[Path, typer.Option(help="folder of the corpus")] = Path("data/corpus"),
    workers: Annotated[int, typer.Option(min=1, max=256, help="processes")] = 2,
    stems: Annotated[bool, typer.Option(help="write each part's stem too")] = True,
    seed_start: Annotated[
        int, typer.Option(min=0, max=9_999_999, help="first seed within the split")
    ] = 0,
    report: Annotated[
        bool, typer.Option("--report", help="only print the table of what is there")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="one JSON object as the last line")
    ] = False,
) -> None:
    """Compose and render labelled music until the split holds enough of it."""
    os.environ.update(WORKER_ENVIRONMENT)  # inherited by the workers, read at their start
    result: dict[str, Any] = {}
    if not report:
        if split is not Split.sounds:
            _require_sound_font()
        made_s = sum(info["duration"] for info in store.infos(out, split))
        progress = Progressing(made_s, hours * 3600)
        seeds = missing_seeds(out, split, seed_start)
        make_piece = partial(make_timed, split=split.value, root=out, with_stems=stems)
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool, progress.bar:
            produce(pool, make_piece, seeds, workers, progress)
        result = {
            "failed": progress.failures,
            "realtime_factor": round(progress.realtime_factor, 2),
            "hours_per_core_hour": round(progress.hours_per_core_hour, 2),
        }
    summary = summarise(store.infos(out, split))
    show(summary, Console())
    if result.get("hours_per_core_hour"):
        typer.echo(f"{result['hours_per_core_hour']} hours of music per hour of one core")
    if as_json:
        typer.echo(json.dumps({"split": split.value, **summary, **result}))
    if result.get("failed"):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
