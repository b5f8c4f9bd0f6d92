"""Own time: a song without a host takes tempo and meter from what is asked.

In:  a transport, the desk, and the output sample from which it holds. Out: the transport from there
on. The place in the song goes on from where it was; another meter begins with the bar that is
under way. Pure.
"""

from math import floor

from engine.clock import HostBlock, Transport
from engine.desk import Desk
from engine.song import NEAR_QUARTERS, BarGrid, Signature, SongTempo


def in_own_time(transport: Transport, desk: Desk, frame: int, sample: int, rate: int) -> Transport:
    """Follow the desk.

    Args:
        transport: as it was.
        desk: what is asked; where it says nothing of tempo or meter, they stay.
        frame: at which the tempo is read; it may be gliding.
        sample: of the output, from which the new tempo and meter hold.
        rate: Hz, the output's.

    Returns:
        The same transport if nothing changes.
    """
    signature = _signature(transport.grid, desk.beats_per_bar)
    bpm = desk.tempo_bpm(frame)
    tempo = transport.tempo if bpm is None else SongTempo(bpm * signature.quarters_per_beat)
    if tempo == transport.tempo and signature == transport.grid.signature:
        return transport
    at = max(round(sample * transport.rate / rate), transport.sample)
    return transport.follow(
        HostBlock(
            sample=at,
            rate=transport.rate,
            tempo=tempo,
            signature=signature,
            bar_quarter=_bar_start(transport.grid, transport.quarter_at(at)),
            playing=transport.playing,
            loop=transport.loop,
        )
    )


def _signature(grid: BarGrid, beats_per_bar: int | None) -> Signature:
    if beats_per_bar in (None, grid.signature.beats_per_bar):
        return grid.signature
    return Signature(beats_per_bar, 4)


def _bar_start(grid: BarGrid, quarter: float) -> float:
    """The last bar line at or before a place."""
    per_bar = grid.signature.quarters_per_bar
    return grid.origin + floor((quarter - grid.origin + NEAR_QUARTERS) / per_bar) * per_bar
