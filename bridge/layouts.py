"""A layout for Open Stage Control, made from the OSC table.

In:  nothing. Out: the JSON of a session file: eight prompts with weights, every parameter, modes,
freeze, panic and a line of status. It renews its subscriptions by itself, so that every surface
shows what is in force. `python -m bridge.docs` writes it, and a test compares.
"""

import json
from typing import Any, Final

from bridge.osc_slots import Slot
from bridge.osc_table import rows
from bridge.sockets import OSC_PORT
from engine import MODES, SLOTS

PLACE: Final = "examples/osc/open_stage_control.json"
FORMAT: Final = "1.30.1"  # of Open Stage Control's session files
TARGET: Final = f"127.0.0.1:{OSC_PORT}"

_WIDTH, _HEIGHT = 1180, 820
_SHOWN: Final = ("tempo_bpm", "key", "bar", "beat", "lead_ms", "late_frames", "prompt_to_ear_ms")
_SUBSCRIBED: Final = ("/prompt/*/text", "/prompt/*/weight", "/param/*", "/mode", "/status/*")

Widget = dict[str, Any]


def open_stage_control() -> str:
    """The session file's text."""
    content = {
        "type": "root",
        "id": "root",
        "width": _WIDTH,
        "height": _HEIGHT,
        "target": TARGET,
        "onCreate": _renewal(),
        "widgets": [*_prompts(), *_parameters(), *_buttons(), *_status()],
        "tabs": [],
    }
    session = {
        "createdWith": "Open Stage Control",
        "version": FORMAT,
        "type": "session",
        "content": content,
    }
    return json.dumps(session, indent=1) + "\n"


def _renewal() -> str:
    """A script that subscribes, and again every half minute."""
    patterns = json.dumps(_SUBSCRIBED)
    subscribe = f"for (const one of {patterns}) send('{TARGET}', '/subscribe', one, 60)"
    return f"const renew = () => {{ {subscribe} }}\nrenew()\nsetInterval('renew', renew, 30000)"


def _prompts() -> list[Widget]:
    found = []
    for index in range(1, SLOTS + 1):
        top = 10 + 60 * (index - 1)
        root = f"/prompt/{index}"
        found += [
            _widget("input", f"{root}/text", 10, top, 380, 50, default="", typeTags="s"),
            _widget("button", f"{root}/pick", 400, top, 60, 50, mode="tap", label=str(index)),
            _widget(
                "fader", f"{root}/weight", 470, top, 200, 50,
                horizontal=True, range={"min": -2, "max": 2}, default=float(index == 1),
                typeTags="f",
            ),
        ]  # fmt: skip
    return found


def _parameters() -> list[Widget]:
    slots = {row.address: row.slots[0] for row in rows() if row.address.startswith("/param/")}
    return [
        _parameter(address, slot, 690 + 160 * (place % 3), 10 + 100 * (place // 3))
        for place, (address, slot) in enumerate(slots.items())
    ]


def _parameter(address: str, slot: Slot, left: int, top: int) -> Widget:
    name = address.rpartition("/")[2]
    default = "" if slot.default is None else slot.default
    common = {"label": f"{name} ({slot.unit})" if slot.unit else name, "default": default}
    if slot.kind == "choice":
        values = {"as the prompt says": "", **{choice: choice for choice in slot.choices}}
        return _widget("dropdown", address, left, top, 150, 90, values=values, **common)
    if slot.kind == "switch":
        return _widget("button", address, left, top, 150, 90, mode="toggle", on=1, off=0, **common)
    if slot.high is not None and slot.high > 2**31:  # no fader is that fine
        return _widget("input", address, left, top, 150, 90, numeric=True, typeTags="i", **common)
    span = {"min": slot.low, "max": slot.high}
    tag = "i" if slot.kind == "integer" else "f"
    return _widget("knob", address, left, top, 150, 90, range=span, typeTags=tag, **common)


def _buttons() -> list[Widget]:
    modes = {mode: mode for mode in MODES}
    return [
        _widget("switch", "/mode", 10, 500, 450, 60, values=modes, default=MODES[0], typeTags="s"),
        _widget("button", "/freeze", 470, 500, 95, 60, mode="toggle", on=2, off=0, label="freeze"),
        _widget("button", "/panic", 575, 500, 95, 60, mode="tap", label="panic"),
    ]


def _status() -> list[Widget]:
    return [
        _widget("text", f"/status/{name}", 10 + 165 * place, 580, 155, 60, label=name, default="-")
        for place, name in enumerate(_SHOWN)
    ]


def _widget(
    kind: str, address: str, left: int, top: int, width: int, height: int, **options: Any
) -> Widget:
    place = {"left": left, "top": top, "width": width, "height": height}
    found: Widget = {"type": kind, "id": address.strip("/").replace("/", "_"), **place}
    return {**found, "address": address, "label": address.rpartition("/")[2], **options}
