"""What `antiphon live` says at the end of a set: one JSON object, or a few lines."""

from collections.abc import Sequence
from pathlib import Path

from engine.bundle import Bundle
from engine.commands.report import JsonObject, frame_ms
from engine.keep import Kept
from engine.live.device import Device
from engine.live.rehearsal import Witness
from engine.live.values import in_bars
from engine.loop.status import Status
from engine.spec import FRAME_RATE


def fields(
    *,
    log: Path,
    bundle: Bundle,
    device: Device,
    status: Status,
    kept: Sequence[Kept],
    witness: Witness | None,
) -> JsonObject:
    """What was played, and how well. Only the null device knows the digest of what sounded."""
    seconds = witness.samples / device.rate if witness else status.heard_frame / FRAME_RATE
    to_ear = status.prompt_to_ear_ms
    return {
        "take": str(log),
        "seconds": round(seconds, 6),
        "device": device.name,
        "sample_rate": device.rate,
        "channels": device.channels,
        "sha256": witness.sha256 if witness else None,
        "lead_ms": status.wanted_lead_ms,
        "realtime_factor": round(status.realtime_factor, 3),
        "frame_ms": frame_ms(status.frame_ms),
        "late_frames": status.late_frames,
        "underruns": status.underruns,
        "shed": status.shed,
        "prompt_to_ear_ms": None if to_ear is None else round(to_ear, 1),
        "prompts": [
            {"slot": one.index, "prompt": one.said, "weight": round(one.weight, 4)}
            for one in status.prompts
        ],
        "tempo_bpm": status.tempo_bpm,
        "key": status.key,
        "mode": status.mode,
        "bar": status.bar + 1,
        "seed": status.seed,
        "kept": [_kept_fields(one) for one in kept],
        "problems": list(status.problems),
        "bundle": bundle.id,
        "bundle_name": bundle.manifest.name,
        "backend": bundle.backend.name,
        "backend_reason": bundle.backend.reason,
    }


def _kept_fields(kept: Kept) -> JsonObject:
    return {
        "path": str(kept.path),
        "bars": kept.cut.bars,
        "seconds": round(kept.seconds, 6),
        "first_sample": kept.cut.first,
        "sha256": kept.sha256,
    }


def show(report: JsonObject) -> None:
    """Say it in a few lines."""
    times = report["frame_ms"]
    print(f"{report['take']}: {report['seconds']:.1f} s on {report['device']}")
    print(
        f"{report['realtime_factor']:.1f} times real time; a frame took {times['p50']:.1f} ms "
        f"(p99 {times['p99']:.1f}, worst {times['worst']:.1f}); {report['late_frames']} were late"
    )
    for kept in report["kept"]:
        print(f"{kept['path']}: {in_bars(kept['bars'])}")
    for problem in report["problems"]:
        print(f"note: {problem}")
