"""Cutting phrases out of a sentence so that what is left still reads.

A cut leaves the mark `CUT` in the text; `mend` closes the marks at the end, with the commas,
brackets and little words ("with", "and", "in") that hung on what was cut. Text that was not cut is
not touched.
"""

import re
from collections.abc import Sequence
from typing import Final, TypeVar

CUT: Final = "\0"  # a control character: the prompt cannot contain it

Value = TypeVar("Value")

_DANGLING = (
    r"(?:and|but|with|in|at|on|of|for|the|a|an|is|are|has|have|having|played|featuring|plus|or|"
    r"there(?: is| are|'s)?|it|very|then|to)"
)
_BEFORE = re.compile(
    rf"(?:(?<!\w){_DANGLING}[\s,]+)+{CUT}(?=\s*(?:$|[,;:.!?)\]{CUT}]|(?:and|but|with|in|at)\b))",
    re.I,
)
_AFTER = re.compile(rf"(?:(?<=[,;:.!?(\[])|^)\s*{CUT}\s*(?:[,;:]\s*)?(?:(?:and|but)\s+)", re.I)
_RUN = re.compile(rf"{CUT}[\s,;:.!?{CUT}]*{CUT}")
_BRACKETS = re.compile(rf"[(\[]\s*{CUT}\s*[)\]]")
_SEAM = re.compile(rf"(?P<before>[,;:.!?(\[\-–—]?)\s*{CUT}\s*(?P<after>[,;:.!?)\]\-–—]?)")


def mend(text: str) -> str:
    """Close all cuts; leaves single spaces, and no stray punctuation where something was cut."""
    if CUT not in text:
        return text
    for pattern in (_RUN, _BRACKETS, _BEFORE, _RUN, _AFTER, _RUN):
        text = pattern.sub(CUT, text)
    text = _SEAM.sub(_close, text)
    text = re.sub(r"\s+(?=[,;:.!?)\]])|(?<=[(\[])\s+", "", " ".join(text.split()))
    return text.lstrip(" ,;:.!?-–—").rstrip(" ,;:-–—")


def _close(match: re.Match[str]) -> str:
    """What stands at a cut: of two marks the stronger one, none inside brackets, else a space."""
    before, after = match["before"], match["after"]
    if before in "([" and before:
        return before + (after if after in ")]" else "")
    if before and after:
        return (after if after in ".!?)]" and before not in ".!?" else before) + " "
    return f"{before} " if before else f"{after} "


def first(found: Sequence[Value], what: str, unit: str, remarks: list[str]) -> Value | None:
    """The first of several readings; adds a remark if they differ."""
    if len(set(found)) > 1:
        listed = ", ".join(
            f"{value:g}" if isinstance(value, float) else str(value)
            for value in dict.fromkeys(found)
        )
        remarks.append(
            f"the prompt names more than one {what} ({f'{listed} {unit}'.strip()}); "
            "the first is used"
        )
    return found[0] if found else None
