"""Accompaniment: bass lines, chords, pads, arpeggios, inner voices and drones.

In:  a part template, a plan and a section.
Out: notes on the straight grid; swing and human timing come later (`feel.py`).

One function per way of playing. Letters of bass patterns: 1 bass, 2 4 6 9 scale steps, 3 5 7 chord
tones, 8 octave, l fifth below, b flat second, t tritone, a approach to the next chord, m muted.
Letters of chord patterns: x X o chord (plain, accented, soft), l bass note, f fifth under it.
Letters of voices: x the voice, u d scale neighbours, c k chord tones above and below.
"""

from training.corpus.form import Stretch
from training.corpus.plan import Plan
from training.corpus.score import Chord, Note
from training.corpus.strokes import choose_pattern, cut_at_changes, lay_pattern, playable_bars
from training.corpus.templates import PartTemplate
from training.corpus.theory import chord_classes, fold, lead_chord, nearest, step_within

SOFT, LOUD = 0.72, 1.16  # factors on the velocity of soft and accented strokes
SCALE_STEPS = {"2": 1, "4": 3, "6": 5, "9": 8}
SHELL_TONES = (1, 3, 0, 2)  # third, seventh, root, fifth: what a shell voicing keeps first


def _note(start: float, length: float, pitch: int, velocity: float) -> Note:
    return Note(start, max(length, 0.05), int(pitch), int(min(127, max(1, round(velocity)))))


def play_bass(part: PartTemplate, plan: Plan, stretch: Stretch) -> list[Note]:
    """Play a line of chord degrees; as power chords where the voicing says so."""
    notes = []
    for stroke in lay_pattern(choose_pattern(part, plan, stretch), plan, stretch):
        chord = plan.chords[plan.chord_index(stroke.start)]
        muted = stroke.letter == "m"
        pitch = degree_pitch("1" if muted else stroke.letter, chord, part, plan, stroke.start)
        length = stroke.length * (0.45 if muted else part.articulation)
        velocity = part.velocity * (SOFT if muted else 1.0)
        stack = {"power": (0, 7, 12), "octave": (0, 12)}.get(part.voicing, (0,))
        notes += [_note(stroke.start, length, pitch + up, velocity) for up in stack]
    return notes


def degree_pitch(letter: str, chord: Chord, part: PartTemplate, plan: Plan, beat: float) -> int:
    """Turn a letter of a bass pattern into a pitch of the part's register."""
    root = fold(chord.bass + 24, part.low, part.low + 11)
    if letter == "1":
        return root
    if letter == "8":
        return root + 12
    if letter == "b":
        return root + 1
    if letter == "t":
        return root + 6
    if letter == "l":
        fifth = root + chord_tone_interval(chord, 2, plan, beat)
        return fifth - 12 if fifth - 12 >= part.low - 5 else fifth
    if letter == "a":
        return approach(root, part, plan, beat)
    if letter in SCALE_STEPS:
        return step_within(plan.scale_at(beat) | {root % 12}, root, SCALE_STEPS[letter])
    return root + chord_tone_interval(chord, {"3": 1, "5": 2, "7": 3}[letter], plan, beat)


def chord_tone_interval(chord: Chord, index: int, plan: Plan, beat: float) -> int:
    """Count semitones from a chord's bass to its third, fifth or seventh, or to the scale's."""
    tones = chord_classes(chord.root, chord.quality)
    if chord.quality == "5" and index == 2:
        return (chord.root + 7 - chord.bass) % 12
    if chord.quality != "5" and index < len(tones) and chord.quality != "6":
        return (tones[index] - chord.bass) % 12
    scale = plan.scale_at(beat) | {chord.root}
    return (step_within(scale, chord.root + 60, 2 * index) - chord.bass) % 12


def approach(root: int, part: PartTemplate, plan: Plan, beat: float) -> int:
    """Lead into the next chord's bass by the nearer neighbour of the scale."""
    target_chord = plan.chords[plan.chord_index(plan.chord_end(beat))]
    target = fold(target_chord.bass + 24, part.low, part.low + 11)
    if target == root:
        return root + 7 if root + 7 <= part.high else root - 5
    scale = plan.scale_at(beat)
    return step_within(scale, target, -1 if root < target else 1)


def play_walk(part: PartTemplate, plan: Plan, stretch: Stretch) -> list[Note]:
    """Walk in quarters: the root where a chord begins, then chord and scale tones to the next."""
    notes, at = [], (part.low + part.high) // 2
    first = stretch.first_bar * plan.beats_per_bar
    for beat in range(first, first + playable_bars(plan, stretch) * plan.beats_per_bar):
        chord = plan.chords[plan.chord_index(beat)]
        until = plan.chord_end(beat) - beat
        at = _walk_step(at, chord, until, beat, part, plan)
        accent = 1.0 if beat % 2 else 0.92
        notes.append(_note(beat, part.articulation, at, part.velocity * accent))
    return notes


def _walk_step(
    at: int, chord: Chord, until: float, beat: float, part: PartTemplate, plan: Plan
) -> int:
    classes = chord_classes(chord.root, chord.quality)
    if abs(chord.beat - beat) < 1e-6:
        return _inside(nearest((chord.bass,), at), part)
    if until <= 1:
        target = nearest((plan.chords[plan.chord_index(beat + until)].bass,), at)
        return _inside(target + (1 if at > target else -1), part)
    up = at < (part.low + part.high) / 2 if beat % 8 == 1 else (int(beat) // 4) % 2 == 0
    if beat % 2 == 0:
        return _inside(step_within(frozenset(classes), at, 1 if up else -1), part)
    return _inside(step_within(plan.scale_at(beat) | set(classes), at, 1 if up else -1), part)


def _inside(pitch: int, part: PartTemplate) -> int:
    return fold(pitch, part.low, max(part.high, part.low + 12))


def voicings(part: PartTemplate, plan: Plan) -> list[tuple[int, ...]]:
    """Voice every chord of the piece for one part, each led from the one before."""
    result: list[tuple[int, ...]] = []
    for chord in plan.chords:
        classes = chord_classes(chord.root, chord.quality)
        if part.voicing == "power":
            root = fold(chord.root + 24, part.low, part.low + 11)
            result.append((root, root + 7, root + 12)[: part.voices])
            continue
        if part.voicing == "shell" and len(classes) == 4:
            classes = tuple(classes[i] for i in SHELL_TONES[: part.voices])
        before = result[-1] if result else ()
        result.append(lead_chord(before, classes, part.voices, part.low, part.high))
    return result


def play_comp(part: PartTemplate, plan: Plan, stretch: Stretch) -> list[Note]:
    """Play chords in the rhythm of a pattern."""
    notes, chords = [], voicings(part, plan)
    for stroke in lay_pattern(choose_pattern(part, plan, stretch), plan, stretch):
        for cut in cut_at_changes(stroke, plan):
            index = plan.chord_index(cut.start)
            pitches = _comp_pitches(cut.letter, plan.chords[index], chords[index], part)
            factor = {"o": SOFT, "X": LOUD}.get(cut.letter, 1.0)
            length = cut.length * part.articulation
            notes += [_note(cut.start, length, p, part.velocity * factor) for p in pitches]
    return notes


def _comp_pitches(
    letter: str, chord: Chord, voicing: tuple[int, ...], part: PartTemplate
) -> tuple[int, ...]:
    low = max(28, part.low - 19)
    bass = fold(chord.bass + 24, low, low + 11)
    if letter == "l":
        return (bass,)
    if letter == "f":
        fifth = nearest(chord_classes(chord.root, chord.quality)[-1:], bass + 5)
        return (fifth if chord.quality in ("7", "maj7", "min7", "m7b5", "6") else bass + 7,)
    return voicing


def play_pad(part: PartTemplate, plan: Plan, stretch: Stretch) -> list[Note]:
    """Hold each chord as long as it lasts, at most two bars."""
    notes, chords = [], voicings(part, plan)
    beat = float(stretch.first_bar * plan.beats_per_bar)
    end = beat + playable_bars(plan, stretch) * plan.beats_per_bar
    while beat < end - 1e-6:
        stop = min(end, plan.chord_end(beat), beat + 2 * plan.beats_per_bar)
        for pitch in chords[plan.chord_index(beat)]:
            notes.append(_note(beat, (stop - beat) * part.articulation, pitch, part.velocity))
        beat = stop
    return notes


def play_arp(part: PartTemplate, plan: Plan, stretch: Stretch) -> list[Note]:
    """Break the chord: digit n of the pattern is the n-th tone of the voicing, then by octaves."""
    notes, chords = [], voicings(part, plan)
    for stroke in lay_pattern(choose_pattern(part, plan, stretch), plan, stretch):
        voicing = chords[plan.chord_index(stroke.start)]
        octave, tone = divmod(int(stroke.letter) - 1, len(voicing))
        velocity = part.velocity * (1.0 if stroke.start % 1 == 0 else 0.88)
        length = stroke.length * part.articulation
        notes.append(_note(stroke.start, length, voicing[tone] + 12 * octave, velocity))
    return notes


def play_voice(part: PartTemplate, plan: Plan, stretch: Stretch) -> list[Note]:
    """Play one voice of the four-part harmony, with inner motion where the pattern has any."""
    notes = []
    for stroke in lay_pattern(choose_pattern(part, plan, stretch), plan, stretch):
        for cut in cut_at_changes(stroke, plan):
            index = plan.chord_index(cut.start)
            pitch = _voice_pitch(cut.letter, plan.four_parts[index][part.voice], plan, cut.start)
            length = cut.length * part.articulation
            velocity = part.velocity * (SOFT if cut.letter == "o" else 1.0)
            notes.append(_note(cut.start, length, pitch, velocity))
    return notes


def _voice_pitch(letter: str, pitch: int, plan: Plan, beat: float) -> int:
    chord = plan.chords[plan.chord_index(beat)]
    tones = frozenset(chord_classes(chord.root, chord.quality))
    scale = plan.scale_at(beat) | tones
    moves = {"u": (scale, 1), "d": (scale, -1), "c": (tones, 1), "k": (tones, -1)}
    if letter not in moves:
        return pitch
    classes, steps = moves[letter]
    return step_within(classes, pitch, steps)


def play_drone(part: PartTemplate, plan: Plan, stretch: Stretch) -> list[Note]:
    """Hold tonic and fifth under everything, taken anew every two bars."""
    notes = []
    tonic = fold(stretch.tonic + 24, part.low, part.low + 11)
    stack = (tonic, tonic + 7, tonic + 12)[: part.voices]
    step = 2 * plan.beats_per_bar
    beat = float(stretch.first_bar * plan.beats_per_bar)
    end = beat + playable_bars(plan, stretch) * plan.beats_per_bar
    while beat < end - 1e-6:
        length = min(step, end - beat)
        notes += [_note(beat, length * part.articulation, pitch, part.velocity) for pitch in stack]
        beat += length
    return notes


def play_hits(part: PartTemplate, plan: Plan, stretch: Stretch) -> list[Note]:
    """Strike tonic (1) or dominant (5) in the part's register: timpani and bells."""
    notes = []
    tonic = fold(stretch.tonic + 24, part.low, part.low + 11)
    dominant = fold(tonic + 7, part.low, part.low + 11)
    for stroke in lay_pattern(choose_pattern(part, plan, stretch), plan, stretch):
        chord = plan.chords[plan.chord_index(stroke.start)]
        tones = chord_classes(chord.root, chord.quality)
        first = tonic if tonic % 12 in tones else fold(chord.root + 24, part.low, part.low + 11)
        pitch = dominant if stroke.letter == "5" and dominant % 12 in tones else first
        velocity = part.velocity * (SOFT if stroke.letter == "o" else 1.0)
        notes.append(_note(stroke.start, stroke.length * part.articulation, pitch, velocity))
    return notes
