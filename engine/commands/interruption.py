"""Interruption: end on Ctrl-C and SIGTERM, also when the exception that says so is lost.

A handler's exception may fall into code that cannot raise (a destructor, a callback from C), where
Python drops it and prints its traceback. So the handler remembers the signal as well, long work
asks `check` as it goes, and the traceback of what was dropped is not printed. Main thread only.
"""

import signal
import sys
from types import FrameType

_asked: list[int] = []  # numbers of the signals that came


def watch() -> None:
    """Let SIGTERM end the program as Ctrl-C does, so that half-written files are taken away."""
    sys.unraisablehook = _show_unless_asked
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored
        signal.signal(signal.SIGINT, _stop)


def check() -> None:
    """End now if a signal came and its exception was lost.

    Raises:
        KeyboardInterrupt: it was Ctrl-C.
        SystemExit: it was another; 128 and its number.
    """
    if _asked and _asked[0] == signal.SIGINT:
        raise KeyboardInterrupt
    if _asked:
        sys.exit(128 + _asked[0])


def _stop(number: int, frame: FrameType | None) -> None:
    _asked.append(number)
    check()


def _show_unless_asked(dropped: "sys.UnraisableHookArgs") -> None:
    is_ours = isinstance(dropped.exc_value, KeyboardInterrupt | SystemExit)
    if not (_asked and is_ours):
        sys.__unraisablehook__(dropped)
