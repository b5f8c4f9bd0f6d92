"""What a take's commands print: one JSON object for programs, a few lines for people."""

import json
from typing import TYPE_CHECKING, Any

from engine.spec import FRAME_MS, FRAME_RATE, KEYS, NO_KEY

if TYPE_CHECKING:
    from engine.commands.take import Take
    from engine.metrics import FrameSummary
    from engine.prompt_parser import ParsedPrompt
    from engine.timeline import Story

JsonObject = dict[str, Any]


def print_json(found: JsonObject) -> None:
    """Print an object as one line."""
    print(json.dumps(found, ensure_ascii=False, allow_nan=False))


def prompt_fields(prompt: "ParsedPrompt") -> JsonObject:
    """What the parser understood."""
    return {
        "tempo_bpm": prompt.tempo_bpm,
        "key": prompt.key,
        "beats_per_bar": prompt.beats_per_bar,
        "drums": prompt.drums,
        "families": list(prompt.families),
        "without": list(prompt.without),
        "text": prompt.text,
        "remarks": list(prompt.remarks),
    }


def controls_fields(story: "Story", frame: int) -> JsonObject:
    """What is asked of a frame, options and earlier cues included."""
    asked = story.controls(frame, [None] * len(story.cues))
    return {
        "tempo_bpm": asked.tempo_bpm,
        "key": None if asked.key == NO_KEY else KEYS[asked.key],
        "beats_per_bar": asked.beats_per_bar,
        "drums": asked.drums,
        "density": asked.density,
        "brightness": asked.brightness,
        "harmony": asked.harmony,
    }


def frame_ms(times: "FrameSummary") -> JsonObject:
    """Frame times in milliseconds."""
    return {name: round(getattr(times, name), 3) for name in ("p50", "p95", "p99", "worst")}


def take_fields(take: "Take") -> JsonObject:
    """What was made, and how fast."""
    rendering = take.rendering
    return {
        "output": str(take.files.audio),
        "picture": str(take.files.picture) if take.files.picture else None,
        "seconds": round(rendering.seconds, 6),
        "sample_rate": rendering.rate,
        "channels": len(rendering.audio),
        "sample_format": take.sample_format,
        "frames": rendering.frames,
        "realtime_factor": round(rendering.realtime_factor, 3),
        "frame_ms": frame_ms(rendering.frame_times),
        "sha256": take.sha256,
        "seed": take.seed,
        "bundle": take.bundle.id,
        "bundle_name": take.bundle.manifest.name,
        "bundle_path": str(take.bundle.path),
        "backend": take.bundle.backend.name,
        "backend_reason": take.bundle.backend.reason,
        "peak": round(rendering.peak, 6),
        "silent_frames": rendering.silent_frames,
        "clipped_samples": rendering.clipped_samples,
    }


def print_take(take: "Take") -> None:
    """Say what was written, and how fast."""
    made, times = take.rendering, take.rendering.frame_times
    sides = {1: "mono", 2: "stereo"}.get(len(made.audio), f"{len(made.audio)} channels")
    print(f"{take.files.audio}: {made.seconds:.2f} s, {made.rate:,} Hz {sides}, seed {take.seed}")
    if take.files.picture:
        print(f"{take.files.picture}: its spectrogram")
    print(
        f"{made.realtime_factor:.1f} times real time; a frame of {FRAME_MS:g} ms took "
        f"{times.p50:.1f} ms (p95 {times.p95:.1f}, p99 {times.p99:.1f}, worst {times.worst:.1f})"
    )
    print(
        f"bundle {take.bundle.manifest.name} {take.bundle.id[:12]} on {take.bundle.backend.reason}"
    )
    if made.clipped_samples:
        done = "cut to full scale" if made.is_limited else "kept as they are"
        print(f"{made.clipped_samples:,} samples were beyond full scale and were {done}")
    if made.silent_frames:
        print(f"{made.silent_frames / FRAME_RATE:.1f} s of it are silent")


def describe(story: "Story", index: int) -> str:
    """What one cue asks for, in a line: `75 bpm, D minor, drums; embedded as "slow reggae"`."""
    cue = story.cues[index]
    asked = controls_fields(story, cue.frame)
    words = [f"{asked['tempo_bpm']:g} bpm"] if asked["tempo_bpm"] else []
    words += [asked["key"]] if asked["key"] else []
    words += {True: ["drums"], False: ["no drums"], None: []}[asked["drums"]]
    words += cue.prompt.families
    words += [f"no {name}" for name in cue.prompt.without[:4]]
    words += ["nothing else"] if len(cue.prompt.without) > 4 else []
    embedded = f'embedded as "{cue.prompt.text}"' if cue.prompt.text else "nothing left to embed"
    return f"{', '.join(words) or 'no numbers'}; {embedded}"


def print_understood(story: "Story") -> None:
    """Say what was understood of every prompt, with remarks."""
    for index, cue in enumerate(story.cues):
        at = f"{cue.second:g} s: " if len(story.cues) > 1 else ""
        print(f"{at}{describe(story, index)}")
        for remark in cue.prompt.remarks:
            print(f"  note: {remark}")
