"""Instruments in a prompt: which families are asked for, which are refused, and whether drums play.

Instruments that are asked for stay in the text, they name a sound. Refusals ("no drums or bass",
"drumless") and "nothing but" are cut out: an embedding of "no drums" lies close to drums. A refusal
that fits no field ("no reverb", "no heavy drums") stays in the text, and what it names is neither
asked for nor refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.reading.text import CUT
from engine.reading.words import instrument_pattern, listed, meaning_of
from engine.spec import FAMILIES


@dataclass
class Wanted:
    """What a prompt says of instruments."""

    families: set[str] = field(default_factory=set)  # asked for
    without: set[str] = field(default_factory=set)  # refused
    drums: bool | None = None

    def ask(self, meaning: str) -> None:
        """Note that an instrument is named; "~beat" and genres ask for nothing."""
        if meaning in ("kit", "piece"):
            self.drums = True
        elif meaning in FAMILIES:
            self.families.add(meaning)

    def refuse(self, meaning: str, remarks: list[str]) -> None:
        """Note a refusal; it outweighs a wish for the same, with a remark."""
        name = meaning.removeprefix("~")
        if name in ("kit", "percussion"):
            if self.drums:
                remarks.append("the prompt asks for drums and refuses them; they are refused")
            self.drums = False
        if name in FAMILIES:
            if name in self.families:
                remarks.append(f"the prompt asks for {name} and refuses it; it is refused")
            self.families.discard(name)
            self.without.add(name)

    def refuse_others(self) -> None:
        """Refuse whatever is not asked for, if anything is."""
        if self.families or self.drums:
            self.without |= set(FAMILIES) - self.families
            self.drums = bool(self.drums)


@dataclass(frozen=True)
class Mention:
    """An instrument named in the text, from character `start` up to `end`."""

    start: int
    end: int
    meaning: str  # see words.Words.meanings


def take_instruments(text: str, remarks: list[str]) -> tuple[str, Wanted]:
    """Read all mentions; return the text with refusals cut out, and what is wanted."""
    wanted, refused = Wanted(), list[str]()
    text, is_alone = _cut_alone(text)
    text = _cut_less(text, refused)
    text = _cut_refusals(text, refused)
    text, is_only = _cut_only(text)
    for mention in _mentions(text):
        if not _is_hedged(text, mention):
            wanted.ask(mention.meaning)
    for meaning in dict.fromkeys(refused):
        wanted.refuse(meaning, remarks)
    if is_alone or is_only or _is_solo(text):
        wanted.refuse_others()
    return text, wanted


def _mentions(text: str) -> Iterator[Mention]:
    for match in instrument_pattern("(?:e?s)?").finditer(text):
        yield Mention(match.start(), match.end(), meaning_of(match["name"]))


# --- refusals -----------------------------------------------------------------------------------


def _refusal() -> re.Pattern[str]:
    """A word that refuses, with what leads to it: "but there are no ", "without any "."""
    lead = r"(?:(?:there (?:is|are)|there[’']s|with|has|have|having|contains|and|but|please)\s+)*"
    return re.compile(
        rf"(?<!\w){lead}{listed('refuse')}\s+(?:{listed('determiner')}\s+)*", re.IGNORECASE
    )


def _cut_less(text: str, refused: list[str]) -> str:
    """Cut "drumless", "vocal-free", "drums: off" and "guitar muted"."""

    def read(match: re.Match[str]) -> str:
        meaning = meaning_of(match["name"])
        if meaning in ("", "piece"):
            return match[0]
        refused.append(meaning)
        return CUT

    return instrument_pattern(
        r"(?:s?-?less|s?-free|s?\s*[:=]\s*(?:off|no|none)|s? (?:off|muted))"
    ).sub(read, text)


def _cut_refusals(text: str, refused: list[str]) -> str:
    """Cut "no drums", "without bass or guitar", "there are no vocals at all"."""
    mentions = {mention.start: mention for mention in _mentions(text)}
    pieces, done = [], 0
    for match in _refusal().finditer(text):
        named = _list_from(text, match.end(), mentions)
        if not named or match.start() < done:
            continue
        refused += [mention.meaning for mention in named]
        tail = re.compile(r"\s+(?:at all|whatsoever|please|anywhere)\b", re.IGNORECASE).match(
            text, named[-1].end
        )
        pieces += [text[done : match.start()], CUT]
        done = tail.end() if tail else named[-1].end
    return "".join([*pieces, text[done:]])


def _list_from(text: str, start: int, mentions: dict[int, Mention]) -> list[Mention]:
    """The mentions that one refusal covers.

    "and", "or" and "nor" carry it on to the next mention; a comma only inside a list that ends
    with "or": "no drums, bass or guitar" covers three, "no drums, piano and strings" one.
    """
    joint = re.compile(
        rf"\s*(,?)\s*(or|nor|and|&|/|)\s*(?:{listed('determiner')}\s+)*", re.IGNORECASE
    )
    run, joints, at = list[Mention](), list[str](), mentions.get(start)
    while at and at.meaning not in ("", "piece") and not _is_moment(text, at):
        run.append(at)
        link = joint.match(text, at.end)
        if link is None or not (link[1] or link[2]):
            break
        joints.append((link[1] + link[2]).lower())
        at = mentions.get(link.end())
    covered = min(1, len(run))
    for index, word in enumerate(joints[: max(0, len(run) - 1)], start=1):
        if word.endswith("or") or (word in ("and", "&", "/") and covered == index):
            covered = index + 1
    return run[:covered]


def _is_moment(text: str, mention: Mention) -> bool:
    """Whether what follows makes it a moment, not an instrument: "guitar solo", "bass drop"."""
    return (
        re.compile(rf"[ -]{listed('moment')}", re.IGNORECASE).match(text, mention.end) is not None
    )


def _is_hedged(text: str, mention: Mention) -> bool:
    """Whether a refusal that was not cut bears on it: "no heavy drums", "not a guitar solo"."""
    between = rf"(?:(?!{listed('modest')})[\w-]+\s+){{0,2}}"
    pattern = rf"{listed('refuse')}\s+(?:{listed('determiner')}\s+)*{between}$"
    return (
        re.search(pattern, text[max(0, mention.start - 60) : mention.start], re.IGNORECASE)
        is not None
    )


# --- "nothing but" ------------------------------------------------------------------------------


def _cut_alone(text: str) -> tuple[str, bool]:
    """Cut "and nothing else", "no other instruments"; see "unaccompanied" and leave it."""
    text, cuts = re.subn(
        rf"(?:\b(?:and|with|but)\s+)*{listed('nothing_else')}", CUT, text, flags=re.IGNORECASE
    )
    return text, bool(cuts) or re.search(listed("alone"), text, re.IGNORECASE) is not None


def _cut_only(text: str) -> tuple[str, bool]:
    """Cut the "nothing but" of "nothing but soft strings", and the "only" of "strings only"."""
    adjective = rf"(?!{listed('modest')}|\w+ly\b)[\w-]+\s+"
    before = (
        rf"(?<!not ){listed('only')}\s+(?:{listed('determiner')}\s+)*(?=(?:{adjective}){{0,2}}$)"
    )
    for mention in _mentions(text):
        if mention.meaning == "":
            continue
        lead = re.search(before, text[: mention.start], re.IGNORECASE)
        if lead:
            return text[: lead.start()] + CUT + text[lead.end() :], True
        trail = re.compile(r"\s+(?:only|alone)\b(?!\s+\w)", re.IGNORECASE).match(text, mention.end)
        if trail:
            return text[: mention.end] + CUT + text[trail.end() :], True
    return text, False


def _is_solo(text: str) -> bool:
    """Whether the prompt opens with one player alone: "gentle solo piano, rainy evening"."""
    mentions = [mention for mention in _mentions(text) if mention.meaning]
    opening = re.match(r"(?:[\w-]+\s+){0,3}?(?:solo|unaccompanied)\s+", text, re.IGNORECASE)
    return opening is not None and [mention.start for mention in mentions] == [opening.end()]
