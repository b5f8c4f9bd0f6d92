"""Our own synthesisers: `play` renders a part, `PATCHES` and `KITS` name what there is."""

from training.corpus.synth.kits import KITS
from training.corpus.synth.patches import PATCHES
from training.corpus.synth.player import play

__all__ = ["KITS", "PATCHES", "play"]
