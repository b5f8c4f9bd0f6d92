"""Continue my WAV: the engine listens to a file to its end, and goes on from there.

antiphon serve                       # in another terminal
python examples/continue_my_wav.py mine.wav continued.wav
"""

import sys

import numpy as np
import soundfile

from bridge.client import Client

source, path = sys.argv[1:]
mine, rate = soundfile.read(source, dtype="float32", always_2d=True)  # [N, C]
listen = {"kind": "mode", "mode": "listen"}
with Client(rate=rate, channels=mine.shape[1], listens=True, settings=(listen,)) as music:
    for start in range(0, len(mine), rate // 25):
        block = mine[start : start + rate // 25].T
        music.write(block, start)
        music.read(block.shape[1])  # silence, as long as it listens
    music.mode("continue").wait()
    answer = music.read(seconds=4.0)
soundfile.write(path, np.vstack([mine, answer.T]), rate)
print(f"{path}: {len(mine) / rate:.1f} s of yours, then 4 s of the engine's")
