"""A scanner: what a DAW does with a VST3 that it only wants to know, by hand, through ctypes.

Run as a program by `hosts.child`. In: the .vst3 folder. Out: what its factory says, and what so
many instances open while they are there and leave behind when they are gone. Nothing is processed.
"""

import ctypes
import os
import time
from ctypes import POINTER, Structure, byref, c_char, c_int32, c_ubyte, c_void_p, cast
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from plugin_host.hosts.child import work

COMPONENT: Final = bytes.fromhex("E831FF31F2D54301928EBBEE25697802")  # IComponent's id
AUDIO: Final = b"Audio Module Class"
# Places in the tables of functions: after queryInterface, addRef and release.
RELEASE: Final = 2
COUNT_CLASSES, GET_CLASS, CREATE = 4, 5, 6
INITIALIZE, TERMINATE = 3, 4


class ClassInfo(Structure):
    """What a factory says of a class (PClassInfo)."""

    _fields_ = (
        ("id", c_ubyte * 16),
        ("cardinality", c_int32),
        ("category", c_char * 32),
        ("name", c_char * 64),
    )


def look(plugin: str, count: int, rounds: int = 4) -> dict[str, Any]:
    """Make instances, a quarter at one time, and let them go.

    What is left behind is left in every round, so that the round that left least says how much: the
    heap grows in some, and is used again in others.
    """
    factory = _factory(Path(plugin))
    class_id, name = _audio_class(factory)
    begin = time.perf_counter()
    held = []
    for _ in range(rounds):
        during = _make_and_release(factory, class_id, count // rounds)
        held.append(_held())
    seconds = time.perf_counter() - begin
    return {
        "name": name,
        "instances": count // rounds * rounds,
        "seconds": seconds,
        "seconds_each": seconds / count,
        **{f"{what}_meanwhile": during[what] - held[-1][what] for what in ("sockets", "threads")},
        **{f"more_{what}": _growth([one[what] for one in held]) for what in held[-1]},
    }


def _growth(held: list[int]) -> int:
    return min(after - before for before, after in pairwise(held))


def _make_and_release(factory: c_void_p, class_id: bytes, count: int) -> dict[str, int]:
    made = []
    for _ in range(count):
        one = c_void_p()
        status = _call(factory, CREATE, class_id, COMPONENT, byref(one))
        if status != 0 or not one.value:
            raise RuntimeError(f"createInstance returned {status}")
        _call(one, INITIALIZE, c_void_p())
        made.append(one)
    held = _held()
    for one in made:
        _call(one, TERMINATE)
        _call(one, RELEASE)
    return held


def _factory(plugin: Path) -> c_void_p:
    (binary,) = plugin.glob("Contents/*-linux/*.so")
    library = ctypes.CDLL(str(binary))
    library.ModuleEntry.argtypes = [c_void_p]
    library.ModuleEntry(library._handle)
    library.GetPluginFactory.restype = c_void_p
    return c_void_p(library.GetPluginFactory())


def _audio_class(factory: c_void_p) -> tuple[bytes, str]:
    for index in range(_call(factory, COUNT_CLASSES)):
        info = ClassInfo()
        _call(factory, GET_CLASS, c_int32(index), byref(info))
        if info.category == AUDIO:
            return bytes(info.id), info.name.decode()
    raise RuntimeError("the factory has no audio module")


def _call(what: c_void_p, place: int, *arguments: Any) -> int:
    """Call one function of an object's table."""
    table = cast(what, POINTER(POINTER(c_void_p))).contents
    function = ctypes.CFUNCTYPE(c_int32, c_void_p, *[_type(one) for one in arguments])(table[place])
    return int(function(what, *arguments))


def _type(argument: object) -> Any:
    return c_int32 if isinstance(argument, c_int32) else c_void_p


def _held() -> dict[str, int]:
    status = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    sockets = [one for one in _files() if one.startswith("socket:")]
    return {
        "files": len(_files()),
        "sockets": len(sockets),
        "threads": len(os.listdir("/proc/self/task")),
        "kilobytes": kilobytes,
    }


def _files() -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # the listing's own
            continue
    return found


if __name__ == "__main__":
    work({"look": look})
