"""Prompts from OSC: a controller fills two slots and goes from one to the other on the bar.

antiphon serve                       # in another terminal
python examples/prompts_from_osc.py switched.wav
"""

import sys

import numpy as np
import soundfile
from pythonosc.udp_client import SimpleUDPClient

from bridge.client import Client
from bridge.discovery import running

engine = running()[0]  # the newest on this machine
with Client("stage", settings=({"kind": "param", "name": "tempo", "value": 120.0},)) as music:
    pads = SimpleUDPClient(engine.osc_host, engine.osc_port)
    pads.send_message("/session/stage/prompt/1/text", "warm tape choir")
    pads.send_message("/session/stage/prompt/2/text", "gritty dub bass")
    before = music.read(seconds=2.0)
    pads.send_message("/session/stage/at/bar/prompt/2/pick", 1)
    after = music.read(seconds=4.0)
    soundfile.write(sys.argv[1], np.hstack([before, after]).T, music.playback.rate)
print(f"{sys.argv[1]}: changed on the bar")
