"""Which prompt some sound is nearest to, by the engine's own ear: `antiphon match`.

In:  a stage, a sound, prompts. Out: the cosines, best first. A program of its own does it, because
the plugin's side knows only bytes.
"""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import soundfile

from plugin_host.hosts import sound
from plugin_host.hosts.stage import Stage
from plugin_host.rung import Failed, expect

OTHERS: Final = (
    "death metal, fast double bass drums and distorted guitars",
    "string quartet, slow and sad",
    "solo piano ballad",
    "slow reggae with organ",
    "Scottish folk with bagpipes and fiddle",
    "orchestral film score with brass",
    "calm ambient drone",
)
SECONDS: Final = 120.0


def is_nearest(stage: Stage, made: sound.Sound, rate: int, prompt: str) -> dict[str, float]:
    """Sound is nearer to its prompt than to seven of other genres.

    Args:
        stage: where; its engine's bundle listens.
        made: [2, N].
        rate: of it, Hz.
        prompt: what it was made from.

    Returns:
        The cosine with the prompt, and with the nearest of the others.

    Raises:
        Failed: another is nearer, or the engine cannot say.
    """
    path = stage.fresh("heard", ".wav")
    soundfile.write(path, made.T, rate, subtype="FLOAT")
    cosines = _cosines(stage, path, (prompt, *OTHERS))
    first = max(cosines, key=lambda name: cosines[name])
    expect(first == prompt, "the nearest prompt", first, prompt)
    return {
        "cosine": cosines[prompt],
        "cosine_of_others": max(cosines[other] for other in OTHERS),
    }


def _cosines(stage: Stage, path: Path, prompts: Sequence[str]) -> dict[str, float]:
    command = ["match" if word == "serve" else word for word in stage.serve]
    done = subprocess.run(
        [*command, "--json", str(path), *prompts],
        env=stage.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise Failed(f"the engine could not say what it hears: {done.stderr.strip()[-400:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    return {one["prompt"]: float(one["cosine"]) for one in said["matches"]}
