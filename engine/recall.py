"""Recall: where a performer stands, as named arrays and facts, and back.

In and out: plain arrays for safetensors or npz, and facts that go to JSON exactly. Sound, tokens
and graph states are arrays; what was asked, where the song is and how sources cross are facts. What
comes from a file is checked before it is believed: against the bundle, and by type and range.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import intake, record
from engine.ask import Ack
from engine.bundle import Bundle
from engine.command import Prime
from engine.errors import BundleError, InputError, OptionError, PromptError, ShapeError
from engine.facts import (
    FORMAT,
    Facts,
    RepeatFacts,
    RequestFacts,
    SourceFacts,
    WishFacts,
    require_sense,
)
from engine.intake import KEPT_FRAMES, HeardFrame, Intake
from engine.line import Line, Wish
from engine.listening import copies, kept, level, tracking
from engine.listening.ear import Ear
from engine.listening.tracking import Tracking
from engine.matching import Matching
from engine.priming import Priming
from engine.record import unit_style
from engine.repeat import Repeat
from engine.session import Session
from engine.shelf import Shelf
from engine.spec import LEVELS, START_TOKEN, STYLE_WIDTH, AudioFormat
from engine.tape import TAPE_FRAMES, Tape
from engine.turning import Standing
from engine.voice import Entry, Listening, Looping, Resting, Sounding, Source, Voice
from engine.waiting import Waiting

Arrays = dict[str, NDArray[Any]]


class Recalled(NamedTuple):
    """What a performer goes on from."""

    now: Standing
    intake: Intake
    shed: int
    replaced: tuple[Ack, ...]


# --- to keep --------------------------------------------------------------------------------------


def pack(
    now: Standing, taken: Intake, shed: int, replaced: tuple[Ack, ...], bundle: Bundle
) -> tuple[Arrays, dict[str, Any]]:
    """Write where a performer stands: arrays, all of them copies, and facts."""
    facts = Facts(
        format=FORMAT,
        bundle=bundle.id,
        frame=now.frame,
        transport=now.transport,
        is_hosted=now.is_hosted,
        plays=now.plays,
        is_moved=now.is_moved,
        remembered=now.remembered,
        shed=shed,
        heard=taken.heard,
        heard_music=taken.end,
        sources=tuple(_source_facts(entry) for entry in now.voice.entries),
        requests=tuple(RequestFacts(ask=w.ask, style=w.style, since=w.since) for w in now.queue),
        replaced=replaced,
        found=now.found,
        follows=now.follows,
        primed_frames=None if now.priming is None else now.priming.done,
        primed_beats_per_bar=now.priming.beats_per_bar if now.priming else 1,
    )
    arrays = {f"intake/{name}": array for name, array in _intake_arrays(taken).items()}
    arrays |= {f"copies/{name}": array for name, array in kept.pack(now.copies).items()}
    if chunks := now.tape.chunks():
        arrays["tape"] = np.concatenate(chunks, axis=1)
    for index, entry in enumerate(now.voice.entries):
        arrays |= {f"source{index}/{n}": a for n, a in _source_arrays(entry.source).items()}
    return arrays, record.write_fields(facts)


def _source_facts(entry: Entry) -> SourceFacts:
    source, line = entry.source, entry.source.line
    repeat = source.repeat if isinstance(source, Looping | Resting) else None
    return SourceFacts(
        role=source.role,
        since=entry.since,
        at=line.at,
        matched_db=None if line.matching is None else line.matching.wanted_db,
        matching_frames=0 if line.matching is None else line.matching.left,
        wishes=tuple(WishFacts(frame=frame, desk=desk) for frame, desk in line.wishes),
        repeat=None if repeat is None else _repeat_facts(repeat),
    )


def _repeat_facts(repeat: Repeat) -> RepeatFacts:
    return RepeatFacts(
        start=repeat.start,
        period=repeat.period,
        origin=repeat.origin,
        quarter=repeat.quarter,
        quarters=repeat.quarters,
    )


def _source_arrays(source: Source) -> Arrays:
    arrays = {f"session/{name}": array for name, array in source.line.session.save().items()}
    if source.line.matching is not None:
        made = kept.pack(source.line.matching.made)
        arrays |= {f"matching/{name}": array for name, array in made.items()}
    if isinstance(source, Listening):
        for name, loudness in (("heard", source.heard), ("made", source.made)):
            arrays |= {f"{name}/{n}": array for n, array in kept.pack(loudness).items()}
    if isinstance(source, Looping | Resting) and source.repeat and source.repeat.body is not None:
        arrays["repeat"] = source.repeat.body.copy()
    return arrays


def _intake_arrays(taken: Intake) -> Arrays:
    tokens = [heard.tokens for heard in taken.frames]
    ear = {
        f"ear/{graph}/{name}": array.copy()
        for graph, state in taken.ear.items()
        for name, array in state.items()
    }
    return {
        "rest": taken.rest.copy(),
        "tokens": np.array(tokens, np.int64).reshape(-1, LEVELS),
        "silent": np.array([heard.is_silent for heard in taken.frames], np.bool_),
        "power": np.array([heard.power for heard in taken.frames], np.float64),
        **ear,
        **{f"level/{name}": array for name, array in kept.pack(taken.level).items()},
        **{f"tracking/{name}": array for name, array in kept.pack(taken.tracking).items()},
        **({} if taken.style is None else {"style": taken.style.copy()}),
    }


# --- to go on from --------------------------------------------------------------------------------


def unpack(
    arrays: Mapping[str, NDArray[Any]], found: object, session: Session, ear: Ear | None
) -> Recalled:
    """Read what `pack` wrote.

    Args:
        arrays: named arrays; copied.
        found: the facts, as they came from JSON.
        session: any of the same bundle.
        ear: the bundle's.

    Raises:
        BundleError: saved from another bundle.
        InputError: anything missing, unknown, or that no performer saves.
        ShapeError: an array of another shape.
    """
    try:
        facts = record.read(Facts, found, "the saved performance")
    except (OptionError, PromptError, ShapeError) as exc:
        raise InputError(f"the saved performance cannot be played: {exc}") from exc
    bundle = session.bundle
    if facts.bundle != bundle.id:
        was, this = facts.bundle[:12], bundle.id[:12]
        raise BundleError(f"the performance was saved from bundle {was}, this is {this}.")
    require_sense(facts)
    shelf = Shelf(arrays)
    taken = _intake(shelf, facts, bundle.audio, session.latency_samples, ear)
    tape = _tape(shelf, facts.frame, bundle.audio)
    entries = [
        _entry(shelf, f"source{index}/", source, session, bundle.audio)
        for index, source in enumerate(facts.sources)
    ]
    known = kept.unpack(shelf.under("copies/"), copies.init_state())
    shelf.require_empty()
    now = Standing(
        frame=facts.frame,
        voice=Voice(tuple(entries)),
        transport=facts.transport,
        is_hosted=facts.is_hosted,
        plays=facts.plays,
        is_moved=facts.is_moved,
        queue=tuple(Waiting(n, w.ask, w.style, w.since) for n, w in enumerate(facts.requests)),
        copies=known,
        remembered=facts.remembered,
        tape=tape,
        told=len(facts.requests),
        found=facts.found,
        follows=facts.follows,
    )
    return Recalled(_priming(now, facts, bundle.audio), taken, facts.shed, facts.replaced)


def _priming(now: Standing, facts: Facts, audio: AudioFormat) -> Standing:
    """Follow the take that waits as far as it was followed: a function of the take alone."""
    takes = [one for one in now.queue if isinstance(one.ask.command, Prime)]
    if facts.primed_frames is None:
        return now
    if not takes:
        raise InputError("the saved performance follows a take that nobody asked for.")
    line, command = now.voice.source.line, takes[-1].ask.command
    assert isinstance(command, Prime), "they were chosen so"
    begun = Priming.of(takes[-1].number, command, line.session, audio, facts.primed_beats_per_bar)
    return replace(now, priming=begun.follow(facts.primed_frames, audio.rate))


def _intake(
    shelf: Shelf, facts: Facts, audio: AudioFormat, latency: int, ear: Ear | None
) -> Intake:
    fresh = intake.init_state(ear, audio, latency)
    rest = shelf.take("intake/rest", "float32", (audio.channels, None))
    tokens = shelf.take("intake/tokens", "int64", (None, LEVELS))
    silent = shelf.take("intake/silent", "bool", (len(tokens),)).tolist()
    power = shelf.take("intake/power", "float64", (len(tokens),)).tolist()
    style = None
    if shelf.has("intake/style"):
        style = shelf.take("intake/style", "float32", (STYLE_WIDTH,))
    is_code = tokens.size == 0 or (tokens.min() >= 0 and tokens.max() < START_TOKEN)
    if not is_code or len(tokens) != min(facts.heard_music, KEPT_FRAMES):
        raise InputError("the saved performance heard tokens that nobody hears. Save it again.")
    return Intake(
        rest=rest,
        latency=latency,
        ear={
            graph: {
                name: shelf.take(f"intake/ear/{graph}/{name}", str(array.dtype), array.shape)
                for name, array in state.items()
            }
            for graph, state in fresh.ear.items()
        },
        level=kept.unpack(shelf.under("intake/level/"), fresh.level),
        tracking=_tracking(shelf, fresh.tracking),
        style=unit_style(style) if style is not None else None,
        heard=facts.heard,
        end=facts.heard_music,
        frames=tuple(HeardFrame(*heard) for heard in zip(tokens, silent, power, strict=True)),
    )


def _tracking(shelf: Shelf, fresh: Tracking) -> Tracking:
    found = kept.unpack(shelf.under("intake/tracking/"), fresh)
    if not tracking.makes_sense(found):
        raise InputError("the saved performance heard a tempo or a key that there is not.")
    return found


def _tape(shelf: Shelf, frame: int, audio: AudioFormat) -> Tape:
    """The same chunks in the same order; how they are bundled does not matter."""
    if not shelf.has("tape"):
        return Tape(end=frame)
    length = audio.frame_samples
    sound = shelf.take("tape", "float32", (audio.channels, None))
    count, rest = divmod(sound.shape[1], length)
    if rest or count > min(frame, 2 * TAPE_FRAMES):
        raise ShapeError.of("tape in the saved performance", sound.shape, "whole frames")
    tape = Tape(end=frame - count)
    for index in range(count):
        tape = tape.add(sound[:, index * length : (index + 1) * length])
    return tape


def _entry(
    shelf: Shelf, prefix: str, facts: SourceFacts, session: Session, audio: AudioFormat
) -> Entry:
    own = session.branch()
    own.restore(shelf.under(f"{prefix}session/"))
    wishes = tuple(Wish(wish.frame, wish.desk) for wish in facts.wishes)
    matching = _matching(shelf, f"{prefix}matching/", facts, audio)
    line = Line(session=own, at=facts.at, wishes=wishes, matching=matching)
    repeat = None
    if facts.repeat is not None:
        repeat = _repeat(shelf, f"{prefix}repeat", facts.repeat, audio)
    if facts.role == "sound":
        return Entry(Sounding(line=line), facts.since)
    if facts.role == "listen":
        heard, made = (
            kept.unpack(shelf.under(f"{prefix}{name}/"), level.init_state(audio))
            for name in ("heard", "made")
        )
        return Entry(Listening(line=line, heard=heard, made=made), facts.since)
    if facts.role == "loop" and repeat is not None:
        return Entry(Looping(line=line, repeat=repeat), facts.since)
    return Entry(Resting(line=line, repeat=repeat), facts.since)


def _matching(shelf: Shelf, prefix: str, facts: SourceFacts, audio: AudioFormat) -> Matching | None:
    if facts.matched_db is None:
        return None
    made = kept.unpack(shelf.under(prefix), level.init_state(audio))
    return Matching(wanted_db=facts.matched_db, made=made, left=facts.matching_frames)


def _repeat(shelf: Shelf, name: str, facts: RepeatFacts, audio: AudioFormat) -> Repeat:
    if facts.period <= 0.0 or facts.quarters <= 0.0 or facts.period > TAPE_FRAMES * 2**12:
        raise InputError("the saved performance repeats bars of no length. Save it again.")
    body = None
    if shelf.has(name):
        length = int(np.ceil(facts.period)) + 1
        body = shelf.take(name, "float32", (audio.channels, length))
    return Repeat(
        start=facts.start,
        period=facts.period,
        origin=facts.origin,
        quarter=facts.quarter,
        quarters=facts.quarters,
        body=body,
    )
