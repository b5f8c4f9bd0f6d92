"""Music theory: scales, chord tones and the leading of voices.

In:  pitch classes, MIDI pitches, chord qualities of `engine.spec.QUALITIES`.
Out: MIDI pitches.

Pure functions without chance; knows nothing about time, genres or players.
"""

from collections.abc import Sequence
from itertools import product

from engine.spec import QUALITIES

# Semitones above the tonic.
SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "harmonic_minor": (0, 2, 3, 5, 7, 8, 11),
    "major_pentatonic": (0, 2, 4, 7, 9),
    "minor_pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
}
PARALLEL_COST = 12  # semitones of movement that one parallel fifth or octave is worth


def is_minor(scale: str) -> bool:
    """Tell whether a scale has a minor third, and so is labelled as a minor key."""
    return 3 in SCALES[scale]


def scale_classes(tonic: int, scale: str) -> frozenset[int]:
    """Pitch classes of a scale on a tonic."""
    return frozenset((tonic + step) % 12 for step in SCALES[scale])


def chord_classes(root: int, quality: str) -> tuple[int, ...]:
    """Pitch classes of a chord, root first."""
    return tuple((root + step) % 12 for step in QUALITIES[quality])


def nearest(classes: frozenset[int] | Sequence[int], target: float) -> int:
    """Find the pitch of the given classes that lies nearest to a target pitch; ties go down."""
    middle = round(target)
    pitches = [p for p in range(middle - 12, middle + 13) if p % 12 in classes]
    return min(pitches, key=lambda p: (abs(p - target), p))


def step_within(classes: frozenset[int], pitch: int, steps: int) -> int:
    """Move a pitch up or down by steps of a scale; a foreign pitch first moves to its neighbour."""
    at = pitch if pitch % 12 in classes else nearest(classes, pitch)
    direction = 1 if steps > 0 else -1
    for _ in range(abs(steps)):
        at += direction
        while at % 12 not in classes:
            at += direction
    return at


def fold(pitch: int, low: int, high: int) -> int:
    """Bring a pitch into a register of at least an octave by octaves."""
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch


def close_voicing(lowest: int, classes: Sequence[int], voices: int) -> tuple[int, ...]:
    """Stack chord tones upward from a lowest pitch: [voices] ascending."""
    ordered = sorted(classes, key=lambda c: (c - lowest) % 12)
    return tuple(
        lowest + (ordered[i % len(ordered)] - lowest) % 12 + 12 * (i // len(ordered))
        for i in range(voices)
    )


def lead_chord(
    previous: Sequence[int], classes: Sequence[int], voices: int, low: int, high: int
) -> tuple[int, ...]:
    """Choose the close voicing that moves least from the previous one.

    Args:
        previous: the last voicing, or empty at the start (then the aim is the register's middle).
        classes: pitch classes of the chord.
        voices: how many pitches to give.
        low, high: the register; the top may overshoot when it is narrower than the chord.

    Returns:
        [voices] ascending pitches.
    """
    middle = (low + high) / 2
    candidates = [
        close_voicing(lowest, classes, voices)
        for lowest in range(low, max(low + 12, high - 6))
        if lowest % 12 in classes
    ]
    inside = [c for c in candidates if c[-1] <= high] or candidates

    def cost(voicing: tuple[int, ...]) -> float:
        drift = abs(sum(voicing) / voices - middle)
        if len(previous) != voices:
            return drift
        return sum(abs(a - b) for a, b in zip(voicing, previous)) + 0.3 * drift

    return min(inside, key=cost)


def lead_four_parts(
    previous: Sequence[int],
    classes: Sequence[int],
    bass: int,
    ranges: Sequence[tuple[int, int]],
) -> tuple[int, int, int, int]:
    """Choose cello, viola, second and first violin (or bass to soprano) for one chord.

    Every chord tone sounds where four voices allow, upper voices lie within an octave of each
    other, parallel fifths and octaves are dear, and otherwise the movement is least.

    Args:
        previous: the last four pitches, or empty.
        classes: pitch classes of the chord.
        bass: pitch class of the lowest voice.
        ranges: (low, high) of each voice, lowest first.

    Returns:
        Four ascending pitches.
    """
    choices = [[p for p in range(low, high + 1) if p % 12 in classes] for low, high in ranges]
    choices[0] = [p for p in choices[0] if p % 12 == bass] or [fold(bass + 36, *ranges[0])]
    need = min(len(set(classes) | {bass}), 4)

    def cost(voices: tuple[int, ...]) -> float:
        spread = sum(abs(p - (low + high) / 2) for p, (low, high) in zip(voices, ranges))
        wide = sum(8 for a, b in zip(voices[1:], voices[2:]) if b - a > 12)
        missing = 20 * (need - len({p % 12 for p in voices}))
        if len(previous) != 4:
            return spread + wide + missing
        moved = sum(abs(a - b) for a, b in zip(voices, previous))
        return moved + wide + missing + 0.15 * spread + PARALLEL_COST * parallels(previous, voices)

    ascending = [v for v in product(*choices) if v[0] < v[1] < v[2] < v[3]]
    a, b, c, d = min(ascending, key=cost)
    return a, b, c, d


def parallels(before: Sequence[int], after: Sequence[int]) -> int:
    """Count pairs of voices that move in parallel fifths or octaves."""
    count = 0
    for i in range(len(before)):
        for j in range(i + 1, len(before)):
            interval = (before[j] - before[i]) % 12
            moves = before[i] != after[i] and before[j] != after[j]
            if moves and interval in (0, 7) and (after[j] - after[i]) % 12 == interval:
                count += 1
    return count
