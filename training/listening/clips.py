"""Clips: everything that is heard of one excerpt, and what the estimators and the judge make of it.

In:  an excerpt, a bundle, a judge and a seed. Out: one `Clip` of the original, one per number of
codec levels, and one that the bundle plays for the excerpt's words. All have the same length.
"""

from dataclasses import dataclass

import torch

from engine.bundle import Bundle
from engine.spec import CODEBOOK_SIZE, FRAME_RATE, KEYS
from training.evaluation.codec_table import REPORT_LEVELS, aligned, decode, encode, keep
from training.evaluation.generate import Request, play
from training.evaluation.judge import Judge
from training.evaluation.key import compare_keys
from training.evaluation.scoring import Heard, listen
from training.evaluation.sources import Audio
from training.evaluation.tempo import compare_tempi
from training.listening.excerpts import Excerpt
from training.losses import MelDistance, magnitude_snr_db

LEVEL_KBPS = FRAME_RATE * (CODEBOOK_SIZE.bit_length() - 1) / 1000


@dataclass(frozen=True)
class Clip:
    """One sound on the page."""

    name: str  # of its files
    title: str
    audio: Audio  # [C, N]
    facts: tuple[str, ...]  # what was measured, in words


def clips_of(
    excerpt: Excerpt, bundle: Bundle, judge: Judge, seconds: float, seed: int
) -> list[Clip]:
    """Make every clip of an excerpt, in the order of the page."""
    samples = round(seconds * bundle.audio.rate)

    def hear(audio: Audio) -> Heard:
        return listen(audio, bundle.audio.rate, judge, seconds)

    original = excerpt.audio[:, :samples]
    clips = [Clip("original", "original", original, _heard(hear(original), excerpt))]
    for levels, coded in coded_clips(bundle, excerpt.audio).items():
        name, title = f"codec-{levels:02}", f"codec, {levels} level{'s' * (levels > 1)}"
        audio = coded[:, :samples]
        facts = (_kept(audio, original, levels, bundle.audio.rate), *_heard(hear(audio), excerpt))
        clips.append(Clip(name, title, audio, facts))
    take = play(bundle, Request(excerpt.prompt, seconds, seed))[:, :samples]
    heard = hear(take)
    style = judge.read([excerpt.prompt])[0]
    verdict = f"judge hears {heard.verdict.genre.replace('_', ' ')}, " + (
        f"cosine to the prompt {float(heard.verdict.style @ style):.2f}"
    )
    return [*clips, Clip("generated", "generated", take, (verdict, *_heard(heard, excerpt)))]


def coded_clips(bundle: Bundle, audio: Audio) -> dict[int, Audio]:
    """What comes back from the codec, by number of levels, sample to sample."""
    codes = encode(bundle, audio)
    return {
        levels: aligned(bundle, decode(bundle, keep(codes, levels)), audio)[0]
        for levels in REPORT_LEVELS
    }


def _kept(given: Audio, wanted: Audio, levels: int, rate: int) -> str:
    pair = torch.from_numpy(given.copy()), torch.from_numpy(wanted.copy())
    mel, snr = float(MelDistance(rate)(*pair)), float(magnitude_snr_db(*pair))
    return f"{levels * LEVEL_KBPS:g} kbit/s, mel distance {mel:.3f}, SNR of magnitudes {snr:.1f} dB"


def _heard(heard: Heard, excerpt: Excerpt) -> tuple[str, ...]:
    """Tempo and key beside what they should be, and loudness."""
    tempo, key = heard.tempo.bpm, heard.key.key
    same_tempo = compare_tempi(tempo, excerpt.tempo_bpm).value
    same_key = compare_keys(key, excerpt.key).value
    return (
        f"tempo heard {tempo:.0f} bpm ({TEMPO_WORDS[same_tempo]})",
        f"key heard {KEYS[key]} ({KEY_WORDS[same_key]}), {heard.level.rms_db:.0f} dB RMS",
    )


TEMPO_WORDS = {"hit": "right", "octave": "another metrical level", "other": "wrong"}
KEY_WORDS = {
    "same": "right",
    "relative": "the relative one",
    "parallel": "the parallel one",
    "fifth": "a fifth away",
    "other": "wrong",
}
