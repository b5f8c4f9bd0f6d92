"""Keys in a prompt: cut those that can mean nothing else.

"A minor setback", "in a minor key" and the chords "Am - F - C" stay as they are.
"""

import re

from engine.reading.keys import MODE, TONIC, key_name
from engine.reading.text import CUT, first

_SAID = r"\b(?:(?:(?:in|the|a|musical)\s+)*key(?:\s+is|\s+of)?\s*[:=]?|in)\s*(?:the\s+key\s+of\s+)?"
_LEAD_IN = rf"(?:(?P<said>{_SAID})|\b)"
_KEY = re.compile(rf"{_LEAD_IN}(?<![\w#♯♭'’]){TONIC}[ -]*{MODE}(?P<after>\s+\w+)?", re.IGNORECASE)
_SHORT_KEY = re.compile(
    r"(?P<said>\b(?:in|[Kk]ey(?:\s+of)?\s*:?)\s+)?(?<![\w#♯♭'’])(?P<tonic>[A-G])(?P<accidental>[#♯b♭])?m(?![\w#♯♭'’/])"
)
_KEY_OF = re.compile(
    rf"\b(?:in\s+)?(?:the\s+)?key(?:\s+of|\s*[:=])\s*{TONIC}(?![\w#♯♭])",
    re.IGNORECASE,
)
_CHURCH_MODE = re.compile(r"dorian|phrygian|lydian|mixolydian|aeolian|ionian", re.IGNORECASE)

_NOUNS = {"key", "keys", "chord", "chords", "scale", "mode", "tonality", "mood", "feel"}
_LINKS = {"", "with", "and", "at", "on", "for", "by", "but", "then", "played", "featuring", "using"}


def take_key(text: str, remarks: list[str]) -> tuple[str, str | None]:
    """Cut keys that can mean nothing else; "a minor setback" and "Am - F - C" stay as they are."""
    found: list[str] = []

    def read(match: re.Match[str]) -> str:
        if _is_article(match):
            return match[0]
        found.append(key_name(match["tonic"], match["accidental"], match["mode"]))
        church = _CHURCH_MODE.fullmatch(match["mode"])
        return CUT + (match["mode"] if church else "") + (match["after"] or "")

    def read_short(match: re.Match[str]) -> str:
        if not (match["accidental"] or match["said"]) and not _is_clause(match):
            return match[0]
        found.append(key_name(match["tonic"], match["accidental"], "m"))
        return CUT

    def read_tonic(match: re.Match[str]) -> str:
        found.append(key_name(match["tonic"], match["accidental"], "major"))
        return CUT

    text = _KEY_OF.sub(read_tonic, _SHORT_KEY.sub(read_short, _KEY.sub(read, text)))
    return text, first(found, "key", "", remarks)


def _is_article(match: re.Match[str]) -> bool:
    """Whether the A of "a minor" is more likely an article than a tonic."""
    if match["tonic"] not in "Aa" or match["accidental"]:
        return False
    after = (match["after"] or "").strip().lower()
    if after in _NOUNS:
        return True
    if match["said"]:  # "in a minor with strings" is a key, "in a minor way" is not
        return match["tonic"] == "a" and after not in _LINKS
    opens_sentence = match.string[: match.start()].rstrip()[-1:] in ("", ".", "!", "?")
    if match["tonic"] == "A" and not opens_sentence:
        return False
    return bool(after) or not _is_clause(match)


def _is_clause(match: re.Match[str]) -> bool:
    """Whether a match stands alone between commas or the ends, and begins no chord list."""
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    alone = (not before or before[-1] in ",;.:!?(" + CUT) and (
        not after or after[0] in ",;.:!?)" + CUT
    )
    return alone and not re.match(r"[,;]\s*[A-G][#b]?m?7?\s*([,;]|$)", after)
