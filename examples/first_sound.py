"""First sound: a prompt goes in, four seconds of music come out.

antiphon serve                       # in another terminal
python examples/first_sound.py "slow reggae, 75 bpm, bass and drums" sound.wav
"""

import sys

import soundfile

from bridge.client import Client

prompt, path = sys.argv[1:]
with Client(settings=({"kind": "prompt", "index": 1, "text": prompt},)) as music:
    sound = music.read(seconds=4.0)  # [C, N] float32
    soundfile.write(path, sound.T, music.playback.rate)
print(f"{path}: {prompt}")
