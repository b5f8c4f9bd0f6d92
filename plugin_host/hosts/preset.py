"""VST3 presets, by which a host is given the plugin's state and asked for it.

In:  bytes of a .vstpreset file, or the plugin's own JSON. Out: the other. The layout is
Steinberg's: a header (magic, version, class id, place of the list), chunks, and the list of them.
The plugin's JSON is the chunk `Comp`, followed by what its VST3 wrapper adds, which is kept as it
is.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from plugin_host.rung import Failed

HEADER: Final = struct.Struct("<4si32sq")
ENTRY: Final = struct.Struct("<4sqq")
COUNT: Final = struct.Struct("<4si")
SLOTS: Final = 8
# JUCE makes it of the maker's and the plugin's codes, Antp and Anti (juce/CMakeLists.txt).
CLASS_ID: Final = b"ABCDEF019182FAEB416E7470416E7469"
EMPTY: Final[Mapping[str, Any]] = {"product": "antiphon", "format": 1}


def read(preset: bytes) -> dict[str, Any]:
    """The plugin's JSON in a preset.

    Raises:
        Failed: it is no preset, or none of this plugin.
    """
    _, chunks = _chunks(preset)
    text = chunks.get(b"Comp", b"").decode("utf-8", errors="replace")
    try:
        state, _ = json.JSONDecoder().raw_decode(text)
    except ValueError as error:
        raise Failed(f"the preset holds no JSON of the plugin ({error}).") from error
    if not isinstance(state, dict):
        raise Failed(f"the preset holds {type(state).__name__}, expected a JSON object.")
    return state


def written(preset: bytes, state: Mapping[str, Any]) -> bytes:
    """A preset like `preset`, with another state."""
    class_id, chunks = _chunks(preset)
    text = chunks[b"Comp"].decode("utf-8", errors="surrogateescape")
    _, end = json.JSONDecoder().raw_decode(text)
    added = text[end:].encode("utf-8", errors="surrogateescape")
    chunks[b"Comp"] = json.dumps(state).encode() + added
    return _joined(class_id, chunks)


def made(state: Mapping[str, Any]) -> bytes:
    """A preset from nothing."""
    return _joined(CLASS_ID, {b"Comp": json.dumps(state).encode()})


def changed(
    state: Mapping[str, Any], prompts: Sequence[str] = (), **values: object
) -> dict[str, Any]:
    """The plugin's JSON with prompts in the first slots, and with values."""
    slots = [*prompts, *[""] * SLOTS][:SLOTS]
    return {**state, "prompts": slots, "values": {**state.get("values", {}), **values}}


def _chunks(preset: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """The class id, and the chunks by name."""
    try:
        magic, version, class_id, place = HEADER.unpack_from(preset)
        name, count = COUNT.unpack_from(preset, place)
        if (magic, version, name) != (b"VST3", 1, b"List"):
            raise Failed(f"the preset begins with {magic!r}, version {version}, expected VST3, 1.")
        entries = [
            ENTRY.unpack_from(preset, place + COUNT.size + index * ENTRY.size)
            for index in range(count)
        ]
    except struct.error as error:
        raise Failed(f"the preset has {len(preset)} bytes and is cut off ({error}).") from error
    return class_id, {name: preset[start : start + size] for name, start, size in entries}


def _joined(class_id: bytes, chunks: Mapping[bytes, bytes]) -> bytes:
    body, entries = b"", b""
    for name, chunk in chunks.items():
        entries += ENTRY.pack(name, HEADER.size + len(body), len(chunk))
        body += chunk
    head = HEADER.pack(b"VST3", 1, class_id, HEADER.size + len(body))
    return head + body + COUNT.pack(b"List", len(chunks)) + entries
