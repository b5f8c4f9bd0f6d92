"""Measure a bundle: does it play what held-out prompts ask for, and how well does its codec sound?

    python -m training.evaluate --bundle bundles/default --json
    python -m training.evaluate --quick --out out/evaluation.md
    python -m training.evaluate --group distances --group given
    python -m training.evaluate --captions musiccaps.csv --split eval --limit 100
    python -m training.evaluate --continuation --corpus data/corpus/valid

Plays prompts through the engine and hears the takes, the held-out pieces themselves (ceiling), and
the takes against other prompts (floor). With --captions, the prompts are those of a csv and only
what needs no labels is measured. With --continuation, lets the performer hear held-out pieces, and
loops that are not of the corpus, and go on by itself instead. Progress on stderr, the report on
stdout.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from engine.backends import open_backend
from engine.bundle import Bundle
from engine.errors import AntiphonError, InputError, OptionError
from training.evaluation.caption_file import Split, read_captions
from training.evaluation.caption_report import measure_captions, page_of
from training.evaluation.continuation import Outcome, measure_all
from training.evaluation.continuation import Plan as ContinuationPlan
from training.evaluation.continuation_report import as_dict as continuation_dict
from training.evaluation.continuation_report import as_markdown as continuation_page
from training.evaluation.judge import MulanJudge
from training.evaluation.plan import QUICK, Group, Plan
from training.evaluation.prompts import held_out
from training.evaluation.report import as_dict, as_markdown
from training.evaluation.sources import Loop, Piece, Playable
from training.evaluation.studio import Studio, progress
from training.evaluation.whole import Evaluation

LOOPS, FIRST_LOOP = 20, 200_000  # of seeds that no estimator was fitted on

Answer = tuple[str, dict[str, Any]]  # a page, and the same for JSON


app = typer.Typer(add_completion=False)


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(help="what to measure")] = Path("bundles/default"),
    prompts: Annotated[int, typer.Option(help="held-out prompts", min=2)] = Plan.prompts,
    seconds: Annotated[float, typer.Option(help="heard per take", min=5, max=30)] = Plan.seconds,
    workers: Annotated[int, typer.Option(help="processes that play", min=1)] = Plan.workers,
    quick: Annotated[bool, typer.Option("--quick", help="a little of everything")] = False,
    group: Annotated[list[Group] | None, typer.Option(help="measure only these")] = None,
    basic: Annotated[bool, typer.Option("--basic", help="measure no group at all")] = False,
    ablations: Annotated[bool, typer.Option("--ablations", help="other ways to play")] = False,
    against: Annotated[
        list[str] | None, typer.Option(help="NAME=FOLDER, another bundle among the ablations")
    ] = None,
    captions: Annotated[Path | None, typer.Option(help="a csv of MusicCaps")] = None,
    split: Annotated[Split, typer.Option(help="which of its captions")] = Split.EVAL,
    limit: Annotated[int, typer.Option(help="how many of them, at most", min=2)] = 100,
    continuation: Annotated[bool, typer.Option("--continuation", help="of playing audio")] = False,
    corpus: Annotated[Path, typer.Option(help="pieces to continue")] = Path("data/corpus/valid"),
    out: Annotated[Path | None, typer.Option(help="write the report here, as Markdown")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON as the last line")] = False,
) -> None:
    """Measure a bundle."""
    torch.set_num_threads(1)  # the workers need the cores
    try:
        others = _bundles(against or ())
        plan = QUICK if quick else Plan(prompts=prompts, seconds=seconds)
        groups = _groups(plan, group, basic, ablations or bool(others))
        plan = replace(plan, workers=workers, groups=groups)
        if continuation:
            page, found = _continue(bundle, corpus, ContinuationPlan(workers=workers), quick)
        elif captions is not None:
            page, found = _captions(bundle, captions, split, min(limit, plan.prompts), plan)
        else:
            page, found = _evaluate(bundle, plan, others)
    except AntiphonError as exc:
        print(f"evaluate: {exc}", file=sys.stderr)
        raise typer.Exit(2) from exc
    print(page)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page)
    if as_json:
        print(json.dumps(found))


def _groups(
    plan: Plan, asked: Sequence[Group] | None, basic: bool, ablations: bool
) -> tuple[Group, ...]:
    """Which groups to measure: those asked for, or the plan's, or none."""
    if basic and (asked or ablations):
        raise OptionError.of("basic", True, "alone", "Leave out --group, --ablations, --against.")
    chosen = set() if basic else set(asked or plan.groups)
    if ablations:
        chosen.add(Group.ABLATIONS)
    return tuple(one for one in Group if one in chosen)


def _bundles(said: Sequence[str]) -> dict[str, Path]:
    """Folders by name."""
    found = {}
    for one in said:
        name, equals, folder = one.partition("=")
        if not (name and equals and (Path(folder) / "bundle.json").is_file()):
            raise OptionError.of("against", one, "NAME=FOLDER of a bundle")
        found[name] = Path(folder)
    return found


def _evaluate(folder: Path, plan: Plan, others: dict[str, Path]) -> Answer:
    bundle = Bundle.open(folder, open_backend())  # first: it proves the judge's file too
    pieces = held_out(plan.prompts)
    report = Evaluation(bundle, MulanJudge.open(folder), pieces, plan, others).report()
    return as_markdown(report), as_dict(report)


def _captions(folder: Path, file: Path, split: Split, limit: int, plan: Plan) -> Answer:
    """The figures that need no labels, on the captions of a csv."""
    said = read_captions(file, split, limit)
    bundle = Bundle.open(folder, open_backend())
    studio = Studio(bundle=bundle, judge=MulanJudge.open(folder), workers=plan.workers)
    table = measure_captions(studio, said, plan.seconds)
    about = {
        "bundle": f"{bundle.manifest.name} {bundle.id[:12]}",
        "captions": f"{len(said)} of {file.name}, split {split}",
        "seconds": plan.seconds,
    }
    lines = {line.name: line.as_dict() for line in table.lines}
    return page_of(table, about), {**about, "tables": {table.name: lines}}


def _continue(folder: Path, corpus: Path, plan: ContinuationPlan, quick: bool) -> Answer:
    """The continuation's table, as a page and for JSON."""
    opened = Bundle.open(folder, open_backend())  # first: a damaged one is refused in words
    pieces = [Piece(path.parent) for path in sorted(corpus.glob("*/piece.json"))]
    if len(pieces) < 2:
        raise InputError(f"{corpus} holds {len(pieces)} pieces, expected 2 or more to continue.")
    loops = [Loop(FIRST_LOOP + index) for index in range(LOOPS)]
    groups: dict[str, list[Outcome]] = {}
    alone = replace(plan, is_hosted=False)
    for name, played, asked in (
        ("pieces", pieces, plan),
        ("loops", loops, plan),
        ("pieces, their tempo tracked", pieces, alone),
        ("loops, their tempo tracked", loops, alone),
    ):
        chosen: Sequence[Playable] = played[:4] if quick else played
        outcomes = measure_all(folder, asked, chosen)
        groups[name] = list(progress(outcomes, len(chosen), f"continuing {name}"))
    about = {"bundle": f"{opened.manifest.name} {opened.id[:12]}", **asdict(plan)}
    return continuation_page(groups, about), {**about, **continuation_dict(groups)}


if __name__ == "__main__":
    app()
