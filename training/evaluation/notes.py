"""Notes: which pitches sound in each frame of 40 ms, told by a small network of ours.

In:  [N] mono audio at ANALYSIS_RATE. Out: [T, PITCHES] whether a note sounds, T = N // 960, frame
for frame as `engine.row.Labels.notes` counts them.
A semitone spectrum is laid around each pitch, so that overtones are always at the same places; two
layers, the same for every pitch, weigh them (`notes.safetensors`, fitted on training pieces). It is
no transcriber of record: the ceiling of the report, on real pieces, says how far to trust it.

Dimensions: N samples, T frames, W windows, F features of one pitch in one frame, H hidden units.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from engine.spec import NOTE_FREE, NOTE_ONSET, NOTE_SUSTAIN, PITCHES, exact_div
from training.evaluation.onsets import ANALYSIS_RATE

FILE = Path(__file__).with_name("notes.safetensors")
FRAME = exact_div(ANALYSIS_RATE, 25)  # samples
WINDOWS = (2048, 4096, 8192)  # samples: 85 ms for the moment, 341 ms to part low notes
LOWEST, HIGHEST = 28, 96  # E1, the bass' low string, .. C7; all others count as not asked
OVERTONES = (12, 19, 24, 28, 31, 34, 36)  # semitones above: harmonics 2 to 8
UNDERTONES = (-12, -19, -24, -28)  # of which this pitch would be an overtone
BESIDE = (-2, -1, 0, 1, 2, 3, 4, 5, 7)
STEPS = tuple(sorted({*OVERTONES, *UNDERTONES, *BESIDE}))
TIMES = (-3, -1, 1, 3)  # frames before and after, of the pitch itself
FEATURES = len(WINDOWS) * (len(STEPS) + len(TIMES)) + 3
FLOOR = 1e-3  # of the clip's loudest semitone: -60 dB
REACH = 36  # semitones around the range that are measured too

Array = NDArray[np.float32]


class NoteMatch(NamedTuple):
    """(frame, pitch) pairs of one clip."""

    right: int  # asked for and heard
    asked: int
    heard: int


def estimate_notes(mono: NDArray[np.floating]) -> NDArray[np.bool_]:
    """[T, PITCHES] whether each pitch sounds in each frame; False outside LOWEST..HIGHEST."""
    features = note_features(mono)
    sounding = np.zeros((len(features), PITCHES), np.bool_)
    sounding[:, LOWEST : HIGHEST + 1] = _network(features) > 0.0
    return sounding


def compare_notes(heard: NDArray[np.bool_], asked: NDArray[np.uint8]) -> NoteMatch:
    """Count pairs of frame and pitch in two stretches [T, PITCHES]; FREE pitches count nowhere."""
    frames = min(len(heard), len(asked))
    heard, asked = heard[:frames, LOWEST : HIGHEST + 1], asked[:frames, LOWEST : HIGHEST + 1]
    counted, wanted = asked != NOTE_FREE, (asked == NOTE_SUSTAIN) | (asked == NOTE_ONSET)
    return NoteMatch(
        right=int((heard & wanted).sum()),
        asked=int(wanted.sum()),
        heard=int((heard & counted).sum()),
    )


def by_class(heard: NDArray[np.bool_], asked: NDArray[np.uint8]) -> NoteMatch:
    """The same with the octave left open: pairs of frame and pitch class."""
    frames = min(len(heard), len(asked))
    rows = []
    for sounding in (heard, (asked == NOTE_SUSTAIN) | (asked == NOTE_ONSET)):
        inside = sounding[:frames, LOWEST : HIGHEST + 1]
        padded = np.pad(inside, ((0, 0), (0, -inside.shape[1] % 12)))
        rows.append(padded.reshape(frames, -1, 12).any(1))
    return NoteMatch(int((rows[0] & rows[1]).sum()), int(rows[1].sum()), int(rows[0].sum()))


def note_features(mono: NDArray[np.floating]) -> Array:
    """[T, HIGHEST - LOWEST + 1, F] what speaks for each pitch in each frame."""
    spectra = semitone_spectra(mono)  # [W, T, S]
    pitches = np.arange(REACH, REACH + HIGHEST - LOWEST + 1)
    padded = np.pad(spectra, ((0, 0), (max(TIMES), max(TIMES)), (0, 0)), mode="edge")
    now = [spectra[w][:, pitches + step] for w in range(len(WINDOWS)) for step in STEPS]
    shifts = [slice(max(TIMES) + t, max(TIMES) + t + spectra.shape[1]) for t in TIMES]
    then = [padded[w, shift][:, pitches] for w in range(len(WINDOWS)) for shift in shifts]
    height = np.broadcast_to((pitches - pitches.mean()) / 24.0, now[0].shape)
    loudest = np.broadcast_to(spectra[-1].max(1, keepdims=True), now[0].shape)
    return np.stack([*now, *then, height, height**2, loudest], -1).astype(np.float32)


def semitone_spectra(mono: NDArray[np.floating]) -> Array:
    """[W, T, S] how loud each semitone is around each frame's middle, 0 (-60 dB) .. 1 (loudest)."""
    frames = len(mono) // FRAME
    spectra = []
    for size in WINDOWS:
        lead = (size - FRAME) // 2
        padded = np.pad(np.asarray(mono, np.float32), (lead, size))
        cut = np.lib.stride_tricks.sliding_window_view(padded, size)[::FRAME][:frames]
        magnitude = np.abs(np.fft.rfft(cut * np.hanning(size).astype(np.float32), axis=1))
        spectra.append((magnitude**2).astype(np.float32) @ _bank(size) / size**2)
    power = np.sqrt(np.stack(spectra))
    decades = np.log10(np.maximum(power / max(float(power.max()), 1e-9), FLOOR))
    return (1.0 - decades / np.log10(FLOOR)).astype(np.float32)


@cache
def _bank(size: int) -> Array:
    """[size // 2 + 1, S] Gaussians a semitone wide, or two bins where bins are wider."""
    hz = np.fft.rfftfreq(size, 1 / ANALYSIS_RATE)[:, None]
    pitches = np.arange(LOWEST - REACH, HIGHEST + REACH + 1)
    centre = 440.0 * 2 ** ((pitches - 69) / 12)
    width = np.maximum(centre * (2 ** (1 / 24) - 1), 0.7 * ANALYSIS_RATE / size)
    return np.exp(-0.5 * ((hz - centre) / (0.6 * width)) ** 2).astype(np.float32)


def _network(features: Array) -> Array:
    """[...] log-odds that a pitch sounds, of features [..., F]."""
    w = _weights()
    hidden = np.maximum((features - w["mean"]) / w["scale"] @ w["in"] + w["in_bias"], 0.0)
    return (hidden @ w["out"] + w["out_bias"])[..., 0]


@cache
def _weights() -> dict[str, Array]:
    return load_file(FILE)
