"""Medley: pieces in which style, tempo or key change on a bar line, as a live prompt does.

In:  a seed. Out: the scenes of its piece: one for most pieces, two or three for a medley. Each
scene is a score with its own labels and captions; they follow each other bar line to bar line.

Half of the changes keep the tempo and the key, as a host's transport does; others keep the band and
move the key, the tempo or both.
"""

from dataclasses import replace

import numpy as np

from training.corpus.attributes import restate
from training.corpus.chance import pick, pick_weighted, stream
from training.corpus.compose import compose, compose_in
from training.corpus.cutting import window
from training.corpus.patterns import METERS, MeterName
from training.corpus.plan import Given
from training.corpus.score import Scene, Score, in_a_row
from training.corpus.templates import genre_names, load_genre
from training.corpus.turns import counted_in, ended, stopped, take_turns

MEDLEY_CHANCE = 0.35
SCENES = {2: 0.65, 3: 0.35}
CHANGES = {
    "style on the same grid": 0.42,  # tempo, meter and key stay
    "style": 0.22,
    "key": 0.13,
    "tempo": 0.13,
    "key and tempo": 0.1,
}
SCENE_SEEDS = 1_000_000_000  # a later scene's seed lies this far above the one before it
REACH = 1.15  # how far outside its tempo range a style follows the grid it is given
SHORTEST_SCENE_S, LONGEST_SCENE_S = 9.0, 24.0
KEY_SHIFTS = (1, 2, 3, 5, 7, 10)  # semitones
SLOWEST_BPM, FASTEST_BPM = 50.0, 195.0
TEMPO_FACTORS = (0.75, 0.82, 0.9, 1.1, 1.22, 1.33)


def programme(seed: int) -> tuple[Scene, ...]:
    """Compose the piece of a seed, as it is played: one scene, or a medley of two or three."""
    rng = stream(seed, "medley")
    if rng.random() >= MEDLEY_CHANCE:
        return in_a_row([take_turns(compose(seed))])
    return in_a_row(medley(seed, pick_weighted(rng, SCENES), rng))


def medley(seed: int, count: int, rng: np.random.Generator) -> list[Score]:
    """Compose `count` scores that follow each other, each saying in its attributes what changed."""
    whole, change = compose(seed), "beginning"
    begin = 0 if rng.random() < 0.5 else 1  # with or without its intro
    scores = []
    for index in range(count):
        is_last = index == count - 1
        cut, end = _scene(whole, begin, is_last, rng)
        turned = ended(cut) if is_last else cut
        turned = counted_in(turned) if index == 0 else turned
        scores.append(_noted(stopped(turned), change))
        if not is_last:
            change = pick_weighted(rng, CHANGES)
            whole = _changed(whole, cut, change, seed + SCENE_SEEDS * (index + 1), rng)
            begin = 1 if change.startswith("style") else end
    return scores


def _scene(whole: Score, begin: int, is_last: bool, rng: np.random.Generator) -> tuple[Score, int]:
    """Cut sections `begin`.. out of a whole piece; returns them and the section after."""
    edges = [section.beat for section in whole.sections]
    last = len(edges) - 1  # the section with the ending
    if is_last:
        begin = max(min(begin, last), last - 1)
        return window(whole, edges[begin], whole.length), last + 1
    begin = min(begin, last - 1)
    times = [whole.seconds(edge) for edge in edges]
    ends = [e for e in range(begin + 1, last + 1) if times[e] - times[begin] >= SHORTEST_SCENE_S]
    short = [e for e in ends if times[e] - times[begin] <= LONGEST_SCENE_S]
    end = pick(rng, short) if short else (ends or [last])[0]
    return window(whole, edges[begin], edges[end]), end


def _changed(whole: Score, cut: Score, change: str, seed: int, rng: np.random.Generator) -> Score:
    """Compose the whole piece from which the scene after `cut` is taken."""
    if change.startswith("style"):
        return _other_style(cut, seed, same_grid=change.endswith("grid"))
    bpm, key = cut.tempos[-1][1], cut.keys[-1][1]
    if "key" in change:
        given = Given(bpm=bpm, meter=meter_of(cut), is_minor=key >= 12)
        tonic = (key + pick(rng, KEY_SHIFTS)) % 12
        whole = compose_in(load_genre(cut.genre), cut.seed, tonic, given)
    if "tempo" in change:
        bpms = [float(round(bpm * factor)) for factor in TEMPO_FACTORS]
        bpm = pick(rng, [bpm for bpm in bpms if SLOWEST_BPM <= bpm <= FASTEST_BPM])
        whole = replace(whole, tempos=((0.0, bpm),))
    return whole


def _other_style(cut: Score, seed: int, *, same_grid: bool) -> Score:
    bpm, key, meter = cut.tempos[-1][1], cut.keys[-1][1], meter_of(cut)
    others = [name for name in genre_names() if name != cut.genre]
    fitting = [name for name in others if _can_play(name, bpm, meter)] if same_grid else []
    name = pick(stream(seed, "other style"), fitting or others)
    if not fitting:
        return compose(seed, name)
    given = Given(bpm=bpm, meter=meter, is_minor=key >= 12)
    return compose_in(load_genre(name), seed, key % 12, given)


def _can_play(name: str, bpm: float, meter: MeterName) -> bool:
    genre = load_genre(name)
    low, high = genre.tempo
    return meter in genre.meters and low / REACH <= bpm <= high * REACH


def meter_of(score: Score) -> MeterName:
    """Name a score's meter."""
    return next(name for name, beats in METERS.items() if beats == score.beats_per_bar)


def _noted(score: Score, change: str) -> Score:
    return restate(replace(score, attributes={**score.attributes, "change": change}))
