"""Captions: what people may write about a piece, in at least ten different views.

In:  a score.
Out: sentences. `captions` draws from the training bank, `held_out_caption` from the other one.

Every view names some attributes and leaves out others, in its own words and order; the numbers in
them (bpm, key) and "no drums" are always true.
"""

import string

import numpy as np

from engine.spec import KEYS
from training.corpus.chance import pick, stream
from training.corpus.score import Part, Score
from training.corpus.vocabulary import Vocabulary, load_vocabulary

VIEWS = 14
TEMPO_WORDS = ((66, "very slow"), (92, "slow"), (122, "medium"), (152, "fast"), (999, "very fast"))
TYPO_CHANCE = 0.5  # of the one view that may have a typo
FLAT_NAMES = {"C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb"}


def tempo_word(bpm: float) -> str:
    """Name a tempo's class: a key of the banks' `tempo` words."""
    return next(word for limit, word in TEMPO_WORDS if bpm < limit)


def main_parts(score: Score) -> list[Part]:
    """List the pitched parts a listener would name, each instrument once, the melody first."""
    pitched = [part for part in score.parts if part.family != "drums"]
    melody = [part for part in pitched if part.name == score.attributes["melody"]]
    basses = [part for part in pitched if part.family == "bass"]
    ordered = {part.instrument: part for part in (*melody, *basses, *pitched)}
    return list(ordered.values())


def captions(score: Score) -> list[str]:
    """Write at least ten different captions, from one word to several sentences.

    Those of a mixture of genres come from the held-out bank: training never meets one.
    """
    if "mixed" in score.attributes:
        return _mixture_views(score)
    bank = load_vocabulary("training")
    views: list[str] = []
    for index in range(3 * VIEWS):
        rng = stream(score.seed, "caption", score.genre, str(index))
        view = WRITERS[index % len(WRITERS)](score, bank, rng)
        view = _finish(view, index % len(WRITERS), rng)
        if view and view not in views:
            views.append(view)
        if len(views) >= VIEWS:
            break
    return views


def held_out_caption(score: Score) -> str:
    """Write the evaluation's caption: genre, mood, instruments, bpm, key and drums, all stated.

    Of a mixture: both genres, and what comes from the second.
    """
    mixed = score.attributes.get("mixed")
    kind = f"mixture_{mixed}" if mixed else "held_out"
    rng = stream(score.seed, "held-out caption", score.genre)
    return _tidy(write(kind, score, load_vocabulary("held_out"), rng))


def _mixture_views(score: Score) -> list[str]:
    bank, kind = load_vocabulary("held_out"), f"mixture_{score.attributes['mixed']}"
    rngs = (stream(score.seed, "mixture caption", str(index)) for index in range(8 * VIEWS))
    views = dict.fromkeys(_tidy(write(kind, score, bank, rng)) for rng in rngs)
    return list(views)[:VIEWS]


def write(kind: str, score: Score, bank: Vocabulary, rng: np.random.Generator) -> str:
    """Choose a sentence of a kind that is true of the piece, and put words into its slots."""
    true = [s for s in bank.sentences[kind] if score.attributes["melody"] or "{melody}" not in s]
    sentence = pick(rng, true)
    slots = [name for _, name, _, _ in string.Formatter().parse(sentence) if name]
    return sentence.format(**{name: say(name, score, bank, rng) for name in slots})


def say(slot: str, score: Score, bank: Vocabulary, rng: np.random.Generator) -> str:
    """Find words for one slot."""
    if slot == "instruments":
        names = [say_instrument(p, bank, rng) for p in main_parts(score)[: int(rng.integers(2, 4))]]
        return _listed(list(dict.fromkeys(names)))
    if slot in ("melody", "instrument"):
        return say_instrument(main_parts(score)[0], bank, rng)
    if slot == "family":
        return _word("family", pick(rng, [p.family for p in score.parts]), bank, rng)
    if slot == "bpm":
        return f"{score.tempos[0][1]:.0f}"
    if slot == "bpm_tag":
        return f"{score.tempos[0][1]:.0f} bpm"
    if slot == "key":
        return _key(score, rng)
    if slot == "other":
        return _word("genre", score.attributes["mixed_genre"], bank, rng)
    value = _value(slot, score)
    return value if slot in ("place", "use") else _word(slot, value, bank, rng)


def _value(slot: str, score: Score) -> str:
    values = {
        "genre": score.genre,
        "tempo": tempo_word(score.tempos[0][1]),
        "mode": "minor" if score.keys[0][1] >= 12 else "major",
    }
    return values.get(slot) or score.attributes[slot]


def say_instrument(part: Part, bank: Vocabulary, rng: np.random.Generator) -> str:
    """Name a part's instrument, in training now and then only its family."""
    if "tags" in bank.sentences and rng.random() < 0.15:
        return _word("family", part.family, bank, rng)
    return _word("instrument", part.instrument, bank, rng)


def _word(attribute: str, value: str, bank: Vocabulary, rng: np.random.Generator) -> str:
    training = load_vocabulary("training")
    choices = bank.choices(attribute, value) or training.choices(attribute, value)
    if not choices:
        raise KeyError(f"words/training.toml has no word for {attribute} {value!r}; add one")
    return pick(rng, choices)


def _key(score: Score, rng: np.random.Generator) -> str:
    tonic, mode = KEYS[score.keys[0][1]].split()
    if tonic in FLAT_NAMES and rng.random() < 0.5:
        tonic = FLAT_NAMES[tonic]
    return f"{tonic} {mode}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _write_tags(score: Score, bank: Vocabulary, rng: np.random.Generator) -> str:
    kinds = [kind for kind in bank.sentences["tags"] if rng.random() < 0.5] or ["genre", "mood"]
    words = [_say_tag(kinds[i], score, bank, rng) for i in rng.permutation(len(kinds))]
    return ", ".join(dict.fromkeys(word for word in words if word))


def _say_tag(slot: str, score: Score, bank: Vocabulary, rng: np.random.Generator) -> str:
    """Find words that stand alone for a slot; none for what the piece does not have."""
    if slot == "kit":
        kits = [part for part in score.parts if part.family == "drums"]
        groove = score.attributes["groove"]
        return pick(rng, [say_instrument(kits[0], bank, rng), groove or "drums"]) if kits else ""
    tags = f"{slot}_tag"
    if tags in bank.words and rng.random() < 0.6:
        return _word(tags, _value(slot, score), bank, rng)
    return say(slot, score, bank, rng)


def _write_word(score: Score, bank: Vocabulary, rng: np.random.Generator) -> str:
    slot = pick(rng, ("genre", "genre", "genre", "mood", "instrument", "family"))
    return _say_tag(slot, score, bank, rng)


def _write_sentence(score: Score, bank: Vocabulary, rng: np.random.Generator) -> str:
    return write("one", score, bank, rng)


def _write_paragraph(score: Score, bank: Vocabulary, rng: np.random.Generator) -> str:
    """Three or four sentences, the way a listener describes a clip."""
    middle = [k for k in ("about_sound", "about_time", "about_feeling") if rng.random() < 0.85]
    rng.shuffle(middle)
    kinds = ["first", *middle, *(["last"] if rng.random() < 0.7 else [])]
    return " ".join(_capital(_tidy(write(k, score, bank, rng))) for k in kinds)


def _write_request(score: Score, bank: Vocabulary, rng: np.random.Generator) -> str:
    return write("request", score, bank, rng)


WRITERS = (
    _write_sentence,
    _write_tags,
    _write_paragraph,
    _write_word,
    _write_request,
    _write_sentence,
    _write_tags,
    _write_paragraph,
    _write_sentence,
    _write_tags,
)
LOWER_CASE_VIEWS, TYPO_VIEWS = (5, 7), (8,)


def _finish(view: str, index: int, rng: np.random.Generator) -> str:
    """Tidy a view; some are written in lower case, and one may have a typo."""
    view = _tidy(view)
    if index in LOWER_CASE_VIEWS:
        return view.lower()
    if index in TYPO_VIEWS and rng.random() < TYPO_CHANCE:
        return _mistype(view, rng)
    return view


def _tidy(text: str) -> str:
    """Right article before a vowel, no doubled words, a capital at the start of a sentence."""
    words = text.split()
    for i, word in enumerate(words[:-1]):
        takes_an = words[i + 1][0].lower() in "aeio8" and not words[i + 1].startswith("one")
        if word in ("a", "A") and takes_an:
            words[i] = word + "n"
        elif word in ("an", "An") and not takes_an:
            words[i] = word[0]
    kept = [w for i, w in enumerate(words) if i == 0 or w != words[i - 1]]
    joined = " ".join(kept)
    return _capital(joined) if joined.endswith(".") else joined


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _mistype(text: str, rng: np.random.Generator) -> str:
    """Swap two neighbouring letters of one longer word; numbers stay as they are."""
    words = text.split()
    long = [i for i, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if not long:
        return text
    at = pick(rng, long)
    word, cut = words[at], int(rng.integers(1, len(words[at]) - 2))
    words[at] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
    return " ".join(words)
