"""What a player types, and what is understood of it."""

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import OptionError, PromptError
from engine.prompt_parser import MAX_CHARACTERS, ParsedPrompt, parse
from engine.reading.keys import key_path, read_key
from engine.spec import FAMILIES, KEYS

INSTRUMENTS = Path(__file__).parents[2] / "training" / "corpus" / "instruments.toml"


def others(*families: str) -> tuple[str, ...]:
    return tuple(name for name in FAMILIES if name not in families)


def understood(prompt: str) -> dict[str, object]:
    """The fields that a prompt gives, without the text and the remarks."""
    said = vars(parse(prompt))
    return {k: v for k, v in said.items() if v not in (None, ()) and k not in ("text", "remarks")}


# prompt -> what is left to embed, and the fields
TABLE: list[tuple[str, str, dict[str, object]]] = [
    # the issue's own
    (
        "slow reggae, 75 bpm, D minor, bass and drums",
        "slow reggae, bass and drums",
        {"tempo_bpm": 75.0, "key": "D minor", "drums": True, "families": ("bass",)},
    ),
    # tempo
    ("120 bpm", "", {"tempo_bpm": 120.0}),
    ("house,128 bpm", "house", {"tempo_bpm": 128.0}),
    ("techno 130BPM", "techno", {"tempo_bpm": 130.0}),
    ("techno, 130 beats per minute", "techno", {"tempo_bpm": 130.0}),
    ("dub at around 72 bpm", "dub", {"tempo_bpm": 72.0}),
    ("dub at a tempo of 72 bpm", "dub", {"tempo_bpm": 72.0}),
    ("house at 124", "house", {"tempo_bpm": 124.0}),
    ("house at 124 in F minor", "house", {"tempo_bpm": 124.0, "key": "F minor"}),
    ("tempo: 140, dubstep", "dubstep", {"tempo_bpm": 140.0}),
    ("♩ = 92, folk", "folk", {"tempo_bpm": 92.0}),
    ("house 92.5 bpm", "house", {"tempo_bpm": 92.5}),
    ("house 92,5 bpm", "house", {"tempo_bpm": 92.5}),
    ("techno 120-130 bpm", "techno", {"tempo_bpm": 125.0}),
    ("techno between 120 and 130 bpm", "techno", {"tempo_bpm": 125.0}),
    ("reggae (75 bpm)", "reggae", {"tempo_bpm": 75.0}),
    ("reggae (75 bpm, dub)", "reggae (dub)", {"tempo_bpm": 75.0}),
    ("waltz [120 BPM]", "waltz", {"tempo_bpm": 120.0, "beats_per_bar": 3}),
    ("Techno – 128 BPM – dark", "Techno – dark", {"tempo_bpm": 128.0}),
    ("90s house at 126", "90s house", {"tempo_bpm": 126.0}),
    ("a 440 Hz tone at 120 Hz", "a 440 Hz tone at 120 Hz", {}),
    ("at 120 degrees", "at 120 degrees", {}),
    ("slow and fast, fast then slow", "slow and fast, fast then slow", {}),
    ("Andante, wistful", "Andante, wistful", {"tempo_bpm": 90.0}),
    ("allegro con brio", "allegro con brio", {"tempo_bpm": 138.0}),
    ("presto, but 150 bpm", "presto", {"tempo_bpm": 150.0}),
    # key
    ("meditation in A minor", "meditation", {"key": "A minor"}),
    ("ambient, a minor, 80 bpm", "ambient", {"key": "A minor", "tempo_bpm": 80.0}),
    (
        "string music in a minor with a waltz feel",
        "string music with a waltz feel",
        {"key": "A minor", "beats_per_bar": 3},
    ),
    ("in a minor key", "in a minor key", {}),
    ("in a minor way", "in a minor way", {}),
    ("a minor setback", "a minor setback", {}),
    ("A major hit", "A major hit", {}),
    ("E major", "", {"key": "E major"}),
    ("calm in E flat major", "calm", {"key": "D# major"}),
    ("in Eb maj", "", {"key": "D# major"}),
    ("B♭ minor nocturne", "nocturne", {"key": "A# minor"}),
    ("nocturne, C-sharp minor", "nocturne", {"key": "C# minor"}),
    ("F# min, dark", "dark", {"key": "F# minor"}),
    ("F#m, dark", "dark", {"key": "F# minor"}),
    ("jazz in Am", "jazz", {"key": "A minor"}),
    ("Am, F, C, G", "Am, F, C, G", {}),
    ("I Am The Resurrection", "I Am The Resurrection", {}),
    ("techno in the key of C", "techno", {"key": "C major"}),
    ("key: G minor; dub", "dub", {"key": "G minor"}),
    ("D dorian groove", "dorian groove", {"key": "D minor"}),
    ("A harmonic minor, slow", "slow", {"key": "A minor"}),
    # meter
    ("a march in 4/4", "a march", {"beats_per_bar": 4}),
    ("folk, 3/4 time", "folk", {"beats_per_bar": 3}),
    ("folk in 6/8", "folk", {"beats_per_bar": 2}),
    ("slow blues in 12/8", "slow blues", {"beats_per_bar": 4}),
    ("a tender waltz", "a tender waltz", {"beats_per_bar": 3}),
    ("a lively jig", "a lively jig", {"beats_per_bar": 2}),
    ("three-four time, sad", "sad", {"beats_per_bar": 3}),
    ("24/7 lofi radio", "24/7 lofi radio", {}),
    ("3/4 of the song is quiet", "3/4 of the song is quiet", {}),
    # drums
    ("rock with drums", "rock with drums", {"drums": True}),
    ("rock, no drums", "rock", {"drums": False}),
    ("rock without drums, live", "rock, live", {"drums": False}),
    ("rock without any drums at all", "rock", {"drums": False}),
    ("drumless ambient", "ambient", {"drums": False}),
    ("beatless ambient", "ambient", {"drums": False}),
    ("drums: off, warm", "warm", {"drums": False}),
    ("house with a punchy kick", "house with a punchy kick", {"drums": True}),
    ("no kick", "no kick", {}),
    ("no heavy drums", "no heavy drums", {}),
    ("trap 808s", "trap 808s", {"drums": True}),
    ("no percussion", "", {"drums": False, "without": ("percussion",)}),
    ("hand drums and bongos", "hand drums and bongos", {"families": ("percussion",)}),
    ("lo-fi beats", "lo-fi beats", {}),
    # the genre and the players
    ("drum and bass", "drum and bass", {}),
    ("liquid drum & bass, 174 bpm", "liquid drum & bass", {"tempo_bpm": 174.0}),
    ("Drum’n’bass, rolling", "Drum’n’bass, rolling", {}),
    ("drums and bass", "drums and bass", {"drums": True, "families": ("bass",)}),
    ("bass and drums", "bass and drums", {"drums": True, "families": ("bass",)}),
    ("drum and bass without bass", "drum and bass", {"without": ("bass",)}),
    ("no drum and bass", "no drum and bass", {}),
    # instruments
    ("guitar", "guitar", {"families": ("guitar",)}),
    ("distorted guitar", "distorted guitar", {"families": ("distortion",)}),
    ("heavy electric guitars", "heavy electric guitars", {"families": ("distortion",)}),
    ("bass guitar", "bass guitar", {"families": ("bass",)}),
    ("Double-Bass", "Double-Bass", {"families": ("bass",)}),
    ("bass clarinet", "bass clarinet", {"families": ("woodwind",)}),
    ("violin and fiddle", "violin and fiddle", {"families": ("strings",)}),
    ("sax", "sax", {"families": ("woodwind",)}),
    ("church organ, choir", "church organ, choir", {"families": ("keys", "voice")}),
    ("Rhodes", "Rhodes", {"families": ("keys",)}),
    ("bagpipes, tin whistle", "bagpipes, tin whistle", {"families": ("pipes",)}),
    ("synth lead over soft pads", "synth lead over soft pads", {"families": ("lead", "pad")}),
    ("8-bit game boy", "8-bit game boy", {"families": ("chip",)}),
    ("steel drums", "steel drums", {"families": ("mallets",)}),
    ("old tape recorder hiss", "old tape recorder hiss", {}),
    # refusals
    ("no guitar", "", {"without": ("guitar",)}),
    ("jazz without piano", "jazz", {"without": ("piano",)}),
    ("no drums, bass or guitar", "", {"drums": False, "without": ("guitar", "bass")}),
    ("without drums and bass", "", {"drums": False, "without": ("bass",)}),
    (
        "no drums, piano and strings",
        "piano and strings",
        {"drums": False, "families": ("piano", "strings")},
    ),
    ("no drums and soft piano", "soft piano", {"drums": False, "families": ("piano",)}),
    ("strings instead of piano", "strings", {"families": ("strings",), "without": ("piano",)}),
    ("neither piano nor guitar", "", {"without": ("piano", "guitar")}),
    ("vocal-free soul", "soul", {"without": ("voice",)}),
    ("an instrumental with choir", "an instrumental with choir", {"families": ("voice",)}),
    ("no guitar solo", "no guitar solo", {}),
    ("no reverb, wide strings", "no reverb, wide strings", {"families": ("strings",)}),
    ("not only piano but strings", "not only piano but strings", {"families": ("strings",)}),
    # nothing but
    (
        "nothing but strings",
        "strings",
        {"drums": False, "families": ("strings",), "without": others("strings")},
    ),
    (
        "just a soft piano",
        "soft piano",
        {"drums": False, "families": ("piano",), "without": others("piano")},
    ),
    (
        "drums and bass only",
        "drums and bass",
        {"drums": True, "families": ("bass",), "without": others("bass")},
    ),
    (
        "piano, and nothing else",
        "piano",
        {"drums": False, "families": ("piano",), "without": others("piano")},
    ),
    (
        "solo piano, late",
        "solo piano, late",
        {"drums": False, "families": ("piano",), "without": others("piano")},
    ),
    (
        "rock, solo guitar and drums",
        "rock, solo guitar and drums",
        {"drums": True, "families": ("guitar",)},
    ),
    (
        "only slightly distorted guitar",
        "only slightly distorted guitar",
        {"families": ("distortion",)},
    ),
    # whole captions
    (
        "Slow, gloomy death metal. Features double kick drums, heavily distorted electric guitars. "
        "No vocals. 190 BPM!",
        "Slow, gloomy death metal. Features double kick drums, heavily distorted electric guitars.",
        {"tempo_bpm": 190.0, "drums": True, "families": ("distortion",), "without": ("voice",)},
    ),
    (
        "This is a slow jazz swing piece. It features upright bass, brushed drums and a tenor sax. "
        "The tempo is 92 bpm, in the key of F major.",
        "This is a slow jazz swing piece. It features upright bass, brushed drums and a tenor sax.",
        {"tempo_bpm": 92.0, "key": "F major", "drums": True, "families": ("bass", "woodwind")},
    ),
    (
        "A soft piano. No drums. Calm.",
        "A soft piano. Calm.",
        {"drums": False, "families": ("piano",)},
    ),
    (
        "This is dub. It is in C# minor and moves at 87 bpm. It evokes rain.",
        "This is dub. It evokes rain.",
        {"tempo_bpm": 87.0, "key": "C# minor"},
    ),
    ("There are no drums. Warm pads.", "Warm pads.", {"drums": False, "families": ("pad",)}),
    # spelling
    ("４／４ house　１２５ＢＰＭ", "house", {"tempo_bpm": 125.0, "beats_per_bar": 4}),
    ("  HOUSE\n\tAT 124 BPM,\nNO DRUMS ", "HOUSE", {"tempo_bpm": 124.0, "drums": False}),
    ("激しいロック 150bpm", "激しいロック", {"tempo_bpm": 150.0}),
    ("Schlagzeug, schön", "Schlagzeug, schön", {}),
    ("🎷🎷", "🎷🎷", {}),
]


@pytest.mark.parametrize(("prompt", "text", "fields"), TABLE, ids=[row[0][:40] for row in TABLE])
def test_a_prompt_is_taken_apart(prompt, text, fields):
    assert understood(prompt) == fields
    assert parse(prompt).text == text


def test_the_table_is_long_enough():
    assert len(TABLE) >= 60


@pytest.mark.parametrize("prompt", ["", "   ", "\n\t", "\0\0", "...", "?!", "\u200b"])
def test_nothing_to_read_is_an_error(prompt):
    with pytest.raises(PromptError, match="prompt is empty, expected a few words"):
        parse(prompt)


def test_a_prompt_may_have_two_thousand_characters_and_no_more():
    assert parse("a" * MAX_CHARACTERS).text
    with pytest.raises(PromptError, match="5,000 characters, expected at most 2,000"):
        parse("a" * 5000)


@pytest.mark.parametrize("prompt", ["0 bpm", "900 bpm", "tempo 0", "-5 bpm", "12 to 120 bpm"])
def test_a_tempo_that_nobody_plays_is_an_error(prompt):
    with pytest.raises(PromptError, match="expected a tempo of 40 to 220 bpm"):
        parse(prompt)


def test_bytes_that_are_no_text_are_an_error():
    with pytest.raises(PromptError, match="character 5, expected UTF-8"):
        parse("dub \udcff")


@pytest.mark.parametrize(
    ("prompt", "remark"),
    [
        ("house 128 bpm then 90 bpm", "more than one tempo (128, 90 bpm); the first is used"),
        ("C major, then D minor", "more than one key (C major, D minor); the first is used"),
        ("3/4, then 4/4", "more than one meter (3, 4 beats per bar)"),
        ("techno 120-130 bpm", "of 120 to 130 bpm the middle is played"),
        ("guitar, no guitar", "asks for guitar and refuses it; it is refused"),
        ("drums, no drums", "asks for drums and refuses them; they are refused"),
        ("7/8 prog rock", "the meter 7/8 is not one that can be asked for"),
    ],
)
def test_a_choice_between_readings_is_told(prompt, remark):
    """Nothing is dropped in silence: the command line prints these."""
    assert remark in " ".join(parse(prompt).remarks)


def test_a_refusal_outweighs_a_wish():
    assert understood("guitar, no guitar") == {"without": ("guitar",)}
    assert understood("drums, no drums") == {"drums": False}


@pytest.mark.skipif(not INSTRUMENTS.is_file(), reason="the corpus is not in this checkout")
def test_every_instrument_of_the_corpus_is_understood():
    """A player who names what the model was trained on is heard."""
    for name, entry in tomllib.loads(INSTRUMENTS.read_text("utf-8")).items():
        for prompt in (name, f"soft {name}, slow", f"A {name.upper()}."):
            found = parse(prompt)
            heard = "drums" if found.drums and not found.families else "+".join(found.families)
            assert heard == entry["family"], prompt


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        found = parse(text)
    except PromptError:
        return
    assert isinstance(found, ParsedPrompt)
    assert "\0" not in found.text
    assert found.key is None or found.key in KEYS
    assert not set(found.families) & set(found.without)


_WORDS = (
    "no|drums|without|bass|or|and|,|.|(|)|120 bpm|in|A minor|Am|F#|3/4|only|solo piano|strings|a|"
    "the key of|at|kick|beat|instead of|drumless|-|guitar solo|nothing else"
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(_WORDS.split("|")), min_size=1, max_size=60).map(" ".join))
def test_what_is_left_reads_cleanly(text):
    """Cuts leave no mark, no double space and no space before a comma."""
    try:
        left = parse(text).text
    except PromptError:
        return
    assert "\0" not in left
    assert "  " not in left
    assert left == left.strip()


@pytest.mark.parametrize(
    "text", ["a " * 1000, "no " * 660, "drums, " * 280, "in the key of " * 140]
)
def test_a_long_prompt_is_read_in_a_moment(text):
    start = time.process_time()
    parse(text[:MAX_CHARACTERS])
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize(
    ("text", "key"),
    [("D minor", "D minor"), ("Eb", "D# major"), ("F#m", "F# minor"), ("c MINOR", "C minor")],
)
def test_a_key_option_is_read(text, key):
    assert read_key(text) == key


@pytest.mark.parametrize("text", ["", "H major", "D minor 7", "minor", "X", "D\nminor!"])
def test_an_unknown_key_says_what_a_key_is(text):
    with pytest.raises(OptionError, match="expected a key like 'D minor'"):
        read_key(text)


def test_keys_walk_the_circle_of_fifths():
    def path(start: str, end: str) -> list[str]:
        return [KEYS[key] for key in key_path(KEYS.index(start), KEYS.index(end))]

    assert path("C major", "D major") == ["G major", "D major"]
    assert path("C major", "D# major") == ["F major", "A# major", "D# major"]
    assert path("A minor", "C major") == ["C major"]
    assert path("D minor", "E minor") == ["A minor", "E minor"]
    assert path("C major", "C major") == []
    assert len(path("C major", "F# major")) == 6
