"""An LV2 state, by which jalv is given the plugin's own JSON.

In:  the JSON, and a folder. Out: `state.ttl` in it. JUCE's LV2 wrapper keeps a plugin's state as
one string, in a base 64 of its own: the size, a dot, and six bits a character, lowest bits first.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

URI: Final = "urn:antiphon:plugin"
ALPHABET: Final = ".ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+"
TURTLE: Final = """\
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix pset: <http://lv2plug.in/ns/ext/presets#> .
@prefix state: <http://lv2plug.in/ns/ext/state#> .

<> a pset:Preset ;
  lv2:appliesTo <{uri}> ;
  state:state [ <{uri}:StateString> "{text}" ] .
"""


def write(folder: Path, state: Mapping[str, Any]) -> Path:
    """Write the state; the folder, as `jalv -l` wants it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = encode(json.dumps(state).encode())
    (folder / "state.ttl").write_text(TURTLE.format(uri=URI, text=text))
    return folder


def encode(data: bytes) -> str:
    """Bytes as JUCE's text."""
    bits = int.from_bytes(data, "little")
    count = (8 * len(data) + 5) // 6
    return f"{len(data)}." + "".join(ALPHABET[bits >> 6 * i & 63] for i in range(count))


def decode(text: str) -> bytes:
    """The bytes of JUCE's text."""
    size, _, characters = text.partition(".")
    bits = sum(ALPHABET.index(one) << 6 * i for i, one in enumerate(characters))
    return bits.to_bytes((6 * len(characters) + 7) // 8, "little")[: int(size)]
