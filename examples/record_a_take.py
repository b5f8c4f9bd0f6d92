"""Record a take: sound, and beside it what was asked for and on which frame it was obeyed.

    antiphon serve                       # in another terminal
    python examples/record_a_take.py take.wav

The engine keeps a control log of its own, from which `antiphon replay` makes the same sound again.
"""

import json
import sys
from pathlib import Path

import soundfile

from bridge.client import Client

path, asked = Path(sys.argv[1]), []
with Client("take", seed=7) as music, soundfile.SoundFile(path, "w", 48_000, 2) as file:
    for prompt in ("warm tape choir, 90 bpm", "gritty dub bass, 90 bpm", "solo piano, 90 bpm"):
        ack = music.prompt(1, prompt).wait()
        asked.append({"prompt": prompt, "frame": ack.frame, "sample": ack.sample})
        file.write(music.read(seconds=2.0).T)
    facts = {"seed": music.playback.made.seed, "bundle": music.dialogue.welcome.bundle}
    music.close(keep=False)  # the take ends here, and the engine saves its log
path.with_suffix(".json").write_text(json.dumps(facts | {"asked": asked}, indent=1))
print(f"{path}: {len(asked)} prompts, beside it {path.with_suffix('.json')}")
