"""The shared vocabulary: every number and word that two rooms need.

Framework-free; read by training, export and the runtime. Times are in frames of 40 ms unless a
name says otherwise. What belongs to one bundle (sample rate, channels) is in its `AudioFormat`;
what belongs to the family (token layout, label words) is here.
"""

from dataclasses import dataclass

FRAME_RATE = 25  # frames per second; one frame is 40 ms
FRAME_MS = 1000 / FRAME_RATE

SEMANTIC_LEVELS = 1
COARSE_LEVELS = 4
FINE_LEVELS = 8
ACOUSTIC_LEVELS = COARSE_LEVELS + FINE_LEVELS
LEVELS = SEMANTIC_LEVELS + ACOUSTIC_LEVELS  # semantic first, then coarse, then fine
CODEBOOK_SIZE = 1024  # codes per level
START_TOKEN = CODEBOOK_SIZE  # fed at every level before the first frame; never generated
ODDS_STEP = 1 / 32  # nats, of the odds of codes

STYLE_WIDTH = 128  # MuLan embedding, unit norm

PITCHES = 128  # MIDI notes
NOTE_OFF, NOTE_SUSTAIN, NOTE_ONSET, NOTE_FREE = 0, 1, 2, 3  # FREE: the model decides

TEMPO_MIN_BPM, TEMPO_MAX_BPM = 40.0, 220.0
MAX_BEATS_PER_BAR = 8

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MODES = ("major", "minor")
KEYS = tuple(
    f"{tonic} {mode}" for mode in MODES for tonic in PITCH_CLASSES
)  # index = tonic + 12 * is_minor
NO_KEY = -1

# Chord qualities, each as semitones above the root.
QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
    "m7b5": (0, 3, 6, 10),
    "aug": (0, 4, 8),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "5": (0, 7),
    "6": (0, 4, 7, 9),
}
QUALITY_NAMES = tuple(QUALITIES)
NO_CHORD = -1

# Instrument families a player can ask for; drums have a field of their own.
FAMILIES = (
    "piano",
    "keys",  # electric piano, organ, clavinet, accordion
    "mallets",  # vibraphone, marimba, bells, celesta
    "guitar",  # acoustic and clean electric
    "distortion",  # overdriven and distorted guitar
    "bass",
    "strings",
    "brass",
    "woodwind",
    "voice",  # choir and vocal pads
    "lead",  # synthesiser lead
    "pad",  # synthesiser pad
    "chip",  # square, pulse and triangle of old game consoles
    "plucked",  # harp, sitar, banjo, koto, pizzicato
    "pipes",  # bagpipe, whistle, fiddle drones
    "percussion",  # timpani and tuned or hand percussion outside the drum kit
)

SECTIONS = ("intro", "verse", "chorus", "bridge", "break", "solo", "outro")


def exact_div(a: int, b: int) -> int:
    """Divide without remainder.

    Raises:
        ValueError: b does not divide a.
    """
    quotient, remainder = divmod(a, b)
    if remainder:
        raise ValueError(f"{b} does not divide {a}")
    return quotient


@dataclass(frozen=True, kw_only=True)
class AudioFormat:
    """The audio a bundle speaks."""

    rate: int  # Hz, a multiple of FRAME_RATE
    channels: int  # 1 or 2

    @property
    def frame_samples(self) -> int:
        """Samples in one frame, per channel."""
        return exact_div(self.rate, FRAME_RATE)
