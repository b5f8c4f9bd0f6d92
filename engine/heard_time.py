"""Heard time: a song that nobody else keeps time for follows the beat of what is heard.

In:  a transport, and the tempo and beats of an input or of a take, at an output sample. Out: the
transport from there on. At first the song begins with the music that is heard: its first beat is
the first of bar 1. Later the place in the song stays, and moves to the nearest beat; small
corrections wait for the middle of a beat, so that no line is met twice or not at all. Pure.
"""

from typing import Final

from engine.clock import HostBlock, Transport
from engine.listening.tracking import Pulse
from engine.song import SongTempo

FAR_BEATS: Final = 0.2  # off by more: the song jumps there at once
FAR_TEMPO: Final = 0.02  # relative: the same
NEAR_SECONDS: Final = 0.002  # off by less: nothing moves
NEAR_TEMPO: Final = 2e-4
MIDDLE: Final = (0.25, 0.75)  # of a beat


def begin_in_heard_time(
    transport: Transport, pulse: Pulse, frame: int, sample: int, rate: int
) -> Transport:
    """Let the song begin where the music did.

    Args:
        transport: as it was.
        pulse: of what is heard.
        frame: of music.
        sample: of the output, with which that frame's music begins.
        rate: Hz, the output's.
    """
    beat = pulse.beat_at(frame) - round(pulse.beat_at(pulse.began))
    return at_beat(transport, pulse.tempo_bpm, beat, sample, rate)


def stay_in_heard_time(
    transport: Transport, pulse: Pulse, frame: int, sample: int, rate: int
) -> Transport:
    """Keep to the beat of what is heard; the arguments are those of `begin_in_heard_time`.

    Returns:
        The same transport if it is near enough, or has to wait for the middle of a beat.
    """
    here = transport.position_at(sample * transport.rate / rate)
    beat = pulse.beat_at(frame)
    beat += round(here.beat - beat)
    off, bend = abs(beat - here.beat), abs(pulse.tempo_bpm / here.tempo_bpm - 1)
    if off * 60.0 / pulse.tempo_bpm < NEAR_SECONDS and bend < NEAR_TEMPO:
        return transport
    is_far = off > FAR_BEATS or bend > FAR_TEMPO
    if not is_far and not (_is_in_middle(beat) and _is_in_middle(here.beat)):
        return transport
    return at_beat(transport, pulse.tempo_bpm, beat, sample, rate)


def at_beat(transport: Transport, bpm: float, beat: float, sample: int, rate: int) -> Transport:
    """The transport at a beat of the song, counted from its start, with another tempo.

    Args:
        transport: as it was; meter, loop and whether it plays stay.
        bpm: beats of the meter per minute.
        beat: where the song is at the sample.
        sample: of the output.
        rate: Hz, the output's.
    """
    per_beat = transport.grid.signature.quarters_per_beat
    return transport.follow(
        HostBlock(
            sample=round(sample * transport.rate / rate),
            rate=transport.rate,
            quarter=transport.grid.origin + beat * per_beat,
            tempo=SongTempo(bpm * per_beat),
            playing=transport.playing,
            loop=transport.loop,
        )
    )


def _is_in_middle(beat: float) -> bool:
    return MIDDLE[0] <= beat % 1.0 <= MIDDLE[1]
