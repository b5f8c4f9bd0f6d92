"""A host of the tests: it adds, talks, crashes and hangs."""

import os
import signal
import time
from typing import Any

from plugin_host.hosts.child import work


def add(a: int, b: int) -> dict[str, Any]:
    return {"sum": a + b}


def chatter() -> dict[str, Any]:
    os.write(1, b"loading presets\n")
    return {"said": True}


def divide() -> dict[str, Any]:
    return {"it": 1 / 0}


def crash() -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def hang() -> dict[str, Any]:
    time.sleep(60)
    return {}


if __name__ == "__main__":
    work({"add": add, "chatter": chatter, "divide": divide, "crash": crash, "hang": hang})
