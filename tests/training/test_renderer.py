"""The renderer: what the score says is what is heard, when it says so, and the same every time."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import OptionError
from engine.row import Labels
from engine.spec import FAMILIES
from training.corpus import effects, fluid, master, store, synth
from training.corpus.__main__ import MAX_FAILURES_IN_A_ROW, Progressing, missing_seeds, produce
from training.corpus.brightness import brightness
from training.corpus.loudness import loudness
from training.corpus.master import CEILING, TARGET_LUFS
from training.corpus.render import Rendering, render, render_scenes
from training.corpus.score import Chord, Note, Part, Score, Section, in_a_row
from training.corpus.timing import FRAME_SAMPLES, RATE, Audio, Events, events_of, seconds_of


def _font_problem() -> str:
    try:
        fluid.play(0, _events([0], [60]), RATE // 10, drums=False)
    except fluid.SoundFontMissing as error:
        return str(error)
    return ""


def _events(starts: list[int], pitches: list[int], length: int = RATE // 2) -> Events:
    count = len(starts)
    return Events(np.array(starts), np.full(count, length), np.array(pitches), np.full(count, 100))


FONT_PROBLEM = _font_problem()
needs_font = pytest.mark.skipif(bool(FONT_PROBLEM), reason=FONT_PROBLEM or "found")


def _part(name: str, **changes: object) -> Part:
    plain = Part(name=name, instrument=name, family="lead", source="synth", patch="saw_lead")
    return replace(plain, **changes)


LEAD = _part("lead", notes=tuple(Note(i / 2, 0.4, 60 + i % 12, 80 + i) for i in range(16)))
BASS = _part(
    "bass", family="bass", patch="acid_bass",
    notes=tuple(Note(i / 4, 0.3, 36 + 12 * (i % 2), 100) for i in range(32)),
)  # fmt: skip
PAD = _part(
    "pad", family="pad", patch="warm_pad", reverb=0.5, effects=("chorus",),
    notes=tuple(Note(4.0 * bar, 3.9, pitch, 80) for bar in range(2) for pitch in (60, 64, 67)),
)  # fmt: skip
KIT = _part(
    "kit", family="drums", patch="909_kit",
    notes=tuple(Note(i / 2, 0.1, (36, 42, 38, 46)[i % 4], 100) for i in range(16)),
)  # fmt: skip
PIANO = _part("piano", family="piano", source="soundfont", notes=LEAD.notes)


def _score(*parts: Part, **changes: object) -> Score:
    plain = Score(
        seed=7, genre="test", tempos=((0.0, 120.0), (4.0, 100.0)), beats_per_bar=4,
        keys=((0.0, 0),), chords=(Chord(0.0, 0, "maj", 0),), sections=(Section(0.0, "verse", 0.5),),
        parts=parts, length=8.0,
    )  # fmt: skip
    return replace(plain, **changes)


@pytest.fixture(scope="module")
def piece() -> Rendering:
    return render(_score(LEAD, BASS, PAD, KIT))


def _onset(sound: Audio, share: float = 0.02) -> float:
    """Seconds to the first sample above a share of the peak."""
    level = np.abs(sound).max(0)
    return int(np.argmax(level > share * level.max())) / RATE


def _peak_hz(sound: NDArray[np.floating], low: float, high: float) -> tuple[float, float]:
    """The strongest partial between two frequencies, in Hz, and its level against the top in dB."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 4 * len(sound)))
    hertz = np.fft.rfftfreq(4 * len(sound), 1 / RATE)
    inside = (hertz > low) & (hertz < high)
    best = spectrum[inside].max()
    return float(hertz[inside][spectrum[inside].argmax()]), float(
        20 * np.log10(best / spectrum.max())
    )


# ---- the whole piece


def test_a_score_sounds_the_same_twice_whatever_was_played_between(piece: Rendering) -> None:
    render(_score(PAD, KIT, seed=8))
    again = render(_score(LEAD, BASS, PAD, KIT))
    assert np.array_equal(piece.mix, again.mix)
    assert all(np.array_equal(piece.stems[name], again.stems[name]) for name in piece.stems)


def test_another_seed_turns_the_knobs(piece: Rendering) -> None:
    """No two pieces shall have exactly the same synthesiser."""
    other = render(_score(LEAD, BASS, PAD, KIT, seed=8))
    assert not np.array_equal(piece.stems["lead"], other.stems["lead"])


def test_the_mix_is_whole_frames_of_clean_audio_with_a_tail(piece: Rendering) -> None:
    frames, rest = divmod(piece.mix.shape[1], FRAME_SAMPLES)
    assert rest == 0
    assert -1e-6 <= frames / 25 - (_score().duration + 1.2) < 0.04
    assert piece.mix.dtype == np.float32
    assert np.isfinite(piece.mix).all()
    assert np.abs(piece.mix).max() <= CEILING + 1e-6
    assert abs(piece.mix.mean()) < 1e-3
    assert loudness(piece.mix) == pytest.approx(TARGET_LUFS, abs=1.0)


def test_lead_bass_and_drums_are_all_heard(piece: Rendering) -> None:
    levels = {name: loudness(stem) for name, stem in piece.stems.items()}
    assert max(levels.values()) - min(levels[name] for name in ("lead", "bass", "kit")) < 6


def test_an_empty_score_is_silent() -> None:
    silent = render(_score())
    assert silent.mix.shape[0] == 2
    assert not silent.mix.any()
    assert not render(_score(_part("rests"))).mix.any()


def test_a_part_panned_left_is_louder_left() -> None:
    stem = render(_score(replace(LEAD, pan=-0.8))).stems["lead"]
    assert stem[0].std() > 3 * stem[1].std()


def test_many_beats_convert_like_one() -> None:
    """`seconds_of` is the fast twin of `Score.seconds`."""
    beats = np.linspace(0, 9, 50)
    assert np.allclose(seconds_of(_score(), beats), [_score().seconds(beat) for beat in beats])


@pytest.mark.parametrize("wrong", [{"patch": "kazoo"}, {"effects": ("wobble",)}, {"source": "cd"}])
def test_what_does_not_exist_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=r"kazoo|wobble|cd"):
        render(_score(replace(LEAD, **wrong)))


# ---- scenes


def test_scenes_sound_one_after_the_other_to_the_sample() -> None:
    """Each as it sounds alone; the tail of the first rings into the second."""
    first, second = _score(LEAD, BASS), _score(KIT, seed=9)
    scenes = in_a_row([first, second])
    joined = render_scenes(scenes)
    alone = [render(first).mix, render(second).mix]
    start = round(scenes[1].second * RATE)
    assert np.array_equal(joined.mix[:, :start], alone[0][:, :start])
    after = alone[1].copy()
    after[:, : alone[0].shape[1] - start] += alone[0][:, start:]
    assert np.allclose(joined.mix[:, start:], after[:, : joined.mix.shape[1] - start], atol=0.05)
    assert _onset(joined.stems["2 kit"]) == pytest.approx(scenes[1].second, abs=0.003)
    assert np.abs(joined.mix).max() <= CEILING + 1e-6


def test_one_scene_is_its_score() -> None:
    assert np.array_equal(render_scenes(in_a_row([_score(LEAD)])).mix, render(_score(LEAD)).mix)


def test_a_fade_ends_in_silence_and_leaves_what_comes_before() -> None:
    plain, faded = render(_score(PAD, KIT)).mix, render(_score(PAD, KIT, fade_from=4.0)).mix
    start, end = round(2.0 * RATE), round(_score().duration * RATE)
    assert np.array_equal(faded[:, :start], plain[:, :start])
    middle = slice((start + end) // 2, (start + end) // 2 + RATE // 4)
    assert 0.1 < faded[:, middle].std() / plain[:, middle].std() < 0.4
    assert not faded[:, end:].any()


# ---- our synthesisers


@pytest.mark.parametrize("patch", synth.PATCHES)
def test_an_a_is_440_hz_on_every_patch(patch: str) -> None:
    sound = synth.play(patch, _events([0], [69], RATE), RATE * 3 // 2, seed=3).mean(0)
    hertz, level_db = _peak_hz(sound[RATE // 5 : RATE], 380, 500)
    assert hertz == pytest.approx(440, rel=0.01)
    assert level_db > -12


@pytest.mark.parametrize("patch", synth.PATCHES)
def test_no_patch_aliases(patch: str) -> None:
    """Nothing above 19 kHz, even from a C8; the peak of a mirrored partial would be at -20 dB."""
    sound = synth.play(patch, _events([0], [108]), RATE // 2, seed=3)[0]
    steady = sound[RATE // 20 : RATE // 2] * np.hanning(RATE // 2 - RATE // 20)
    spectrum = np.abs(np.fft.rfft(steady))
    top = spectrum[np.fft.rfftfreq(len(steady), 1 / RATE) > 19_000].max()
    assert 20 * np.log10(top / spectrum.max()) < -60


@pytest.mark.parametrize("kit", synth.KITS)
def test_drums_fall_on_their_time(kit: str) -> None:
    for number in (36, 38, 42, 49, 56):
        sound = synth.play(kit, _events([RATE // 4], [number]), RATE, seed=5)
        assert _onset(sound) == pytest.approx(0.25, abs=0.003)


@pytest.mark.parametrize("kit", synth.KITS)
def test_every_drum_of_a_kit_sounds_within_its_level(kit: str) -> None:
    for number in range(35, 60):
        sound = synth.play(kit, _events([0], [number]), RATE, seed=5)
        assert np.isfinite(sound).all()
        assert 0.1 < np.abs(sound).max() < 1.5


def test_a_closed_hat_stops_the_open_one() -> None:
    ringing = synth.play("808_kit", _events([0], [46]), RATE, seed=5)
    cut = synth.play("808_kit", _events([0, RATE // 10], [46, 42]), RATE, seed=5)
    later = slice(RATE // 4, None)
    assert np.abs(cut[:, later]).max() < 0.2 * np.abs(ringing[:, later]).max()


def test_an_unknown_drum_is_refused() -> None:
    with pytest.raises(OptionError, match="drum is 20"):
        synth.play("909_kit", _events([0], [20]), RATE, seed=5)


def test_repeated_notes_from_the_cache_are_the_note_itself() -> None:
    once = synth.play("pluck", _events([0], [60]), RATE, seed=1)
    twice = synth.play("pluck", _events([0, RATE], [60, 60]), 2 * RATE, seed=1)
    assert np.array_equal(twice[:, :RATE], once)
    assert np.array_equal(twice[:, RATE:], once)


def test_notes_end_without_a_click() -> None:
    """A release that does not reach zero is heard as a click after every note."""
    for patch in synth.PATCHES:
        sound = synth.play(patch, _events([0], [57], RATE // 8), 3 * RATE, seed=2)
        last = np.flatnonzero(np.abs(sound).max(0) > 0)[-1]
        assert np.abs(sound[:, last - 2 :]).max() < 2e-3 * np.abs(sound).max()


# ---- the sound font


@needs_font
def test_the_sound_font_falls_on_its_time_and_pitch() -> None:
    drum = fluid.play(0, _events([RATE // 4], [38]), RATE, drums=True)
    assert _onset(drum) == pytest.approx(0.25, abs=0.008)
    flute = fluid.play(73, _events([0], [69], RATE), RATE, drums=False).mean(0)
    assert _peak_hz(flute[RATE // 5 :], 380, 500)[0] == pytest.approx(440, rel=0.01)


@needs_font
def test_a_sound_font_part_does_not_depend_on_the_part_before() -> None:
    events = events_of(_score(), PIANO)
    first = fluid.play(48, events, 4 * RATE, drums=False)
    fluid.play(30, events, 2 * RATE, drums=False)
    assert np.array_equal(first, fluid.play(48, events, 4 * RATE, drums=False))


@needs_font
def test_a_key_struck_again_while_held_sounds_for_its_own_length() -> None:
    """The first note's release must not cut the second."""
    starts, lengths = np.array([0, RATE // 2]), np.array([RATE, RATE])
    held = Events(starts, lengths, np.array([60, 60]), np.array([100, 100]))
    sound = fluid.play(19, held, 2 * RATE, drums=False)
    assert np.abs(sound[:, int(1.2 * RATE) : int(1.4 * RATE)]).max() > 0.3 * np.abs(sound).max()


@needs_font
def test_a_program_that_the_font_lacks_is_refused() -> None:
    with pytest.raises(fluid.AntiphonError, match="no program 99 in bank 128"):
        fluid.play(99, _events([0], [38]), RATE, drums=True)


def test_a_missing_sound_font_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_SOUNDFONT", "/nowhere.sf2")
    fluid.sound_font.cache_clear()
    with pytest.raises(fluid.SoundFontMissing, match="apt-get install fluid-soundfont-gm"):
        fluid.sound_font()
    fluid.sound_font.cache_clear()


# ---- effects and master


@pytest.mark.parametrize("name", effects.EFFECTS)
def test_every_effect_changes_the_sound_and_keeps_it_sane(name: str) -> None:
    sound = synth.play("saw_lead", _events([0, RATE // 2], [60, 64]), RATE, seed=1)
    around = effects.Surroundings(beat_s=0.5, kicks=np.array([0, RATE // 2]), colour=0.2)
    changed = effects.apply((name,), sound, around)
    assert changed.shape == sound.shape
    assert np.isfinite(changed).all()
    assert np.abs(changed - sound).max() > 0.01
    assert np.array_equal(changed, effects.apply((name,), sound, around))


def test_the_sidechain_ducks_on_the_kick() -> None:
    steady = np.ones((2, RATE), np.float32)
    around = effects.Surroundings(beat_s=0.5, kicks=np.array([RATE // 2]), colour=0.0)
    ducked = effects.apply(("sidechain",), steady, around)
    assert ducked[0, RATE // 2 - 1] == 1.0
    assert ducked[0, RATE // 2 + RATE // 100] < 0.4


@pytest.mark.parametrize("name", master.MASTERS)
def test_every_master_effect_changes_the_mix_but_not_its_loudness(
    name: str, piece: Rendering
) -> None:
    plain = master.finish(piece.stems["lead"], ())
    coloured = master.finish(piece.stems["lead"], (name,))
    assert not np.array_equal(plain, coloured)
    assert loudness(coloured) == pytest.approx(loudness(plain), abs=1.0)


def test_nothing_passes_the_limiter() -> None:
    rng = np.random.default_rng(0)
    bursts = rng.standard_normal((2, RATE)) * rng.choice([0.05, 3.0], RATE, p=[0.999, 0.001])
    limited = master.limit(bursts.astype(np.float32))
    assert np.abs(limited).max() <= CEILING + 1e-6


def test_the_limiter_leaves_quiet_music_alone() -> None:
    quiet = np.full((2, RATE), 0.5, np.float32)
    assert np.array_equal(master.limit(quiet), quiet)


def test_a_sine_measures_as_the_standard_says() -> None:
    """BS.1770: a 997 Hz sine at full scale in one channel reads -3.01 LUFS."""
    sine = np.sin(2 * np.pi * 997 * np.arange(4 * RATE) / RATE).astype(np.float32)
    assert loudness(np.stack([sine, 0 * sine])) == pytest.approx(-3.01, abs=0.15)


def test_brightness_follows_the_treble() -> None:
    rng = np.random.default_rng(0)
    dark = np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)
    sound = np.concatenate([dark, rng.standard_normal(RATE), np.zeros(RATE)]).astype(np.float32)
    values = brightness(np.stack([sound, sound]))
    assert values.shape == (75,)
    assert values[5] < 0.2
    assert values[37] > 0.9
    assert values[70] > 0.9  # silence keeps what was


# ---- the store


def _labels(frames: int) -> Labels:
    zeros, indices = np.zeros(frames, np.float32), np.zeros(frames, np.int64)
    return Labels(
        tempo_bpm=zeros, beat=np.zeros(frames), beats_per_bar=indices, key=indices,
        chord_root=indices, chord_quality=indices, notes=np.zeros((frames, 128), np.uint8),
        drums=np.zeros(frames, np.uint8), families=np.zeros((frames, len(FAMILIES)), np.uint8),
        density=zeros, brightness=zeros, section=indices,
    )  # fmt: skip


def test_a_stored_piece_comes_back(tmp_path: Path, piece: Rendering) -> None:
    folder = store.folder_of(tmp_path, "train", 7)
    store.write(folder, {"seed": 7, "duration": 6.0}, _labels(150), piece.mix, piece.stems)
    back = store.read(folder)
    assert np.abs(back.audio() - piece.mix).max() <= 1 / 32_768
    assert np.array_equal(back.audio(100, 200), back.audio()[:, 100:200])
    assert back.stem("lead").shape == piece.mix.shape
    assert back.labels.notes.shape == (150, 128)
    assert store.infos(tmp_path, "train") == [{"seed": 7, "duration": 6.0}]


def test_half_a_piece_is_never_seen(tmp_path: Path, piece: Rendering) -> None:
    folder = store.folder_of(tmp_path, "train", 7)
    with pytest.raises(TypeError):
        store.write(folder, {"seed": object()}, _labels(10), piece.mix, {})
    assert not folder.exists()
    assert store.infos(tmp_path, "train") == []
    with pytest.raises(store.CorpusError, match="render it again"):
        store.read(folder)


def test_piece_json_is_plain_json(tmp_path: Path, piece: Rendering) -> None:
    folder = store.folder_of(tmp_path, "valid", 10_000_000)
    store.write(folder, {"captions": ["añejo"]}, _labels(10), piece.mix, {})
    assert json.loads((folder / store.PIECE).read_text("utf-8")) == {"captions": ["añejo"]}


# ---- the command


def _fake_make(root: Path, failing: set[int]) -> Callable[[int], tuple[dict[str, Any], float]]:
    def make(seed: int) -> tuple[dict[str, Any], float]:
        if seed in failing:
            raise ValueError("a wrong note")
        info = {"seed": seed, "duration": 60.0}
        folder = store.folder_of(root, "train", seed)
        store.write(folder, info, _labels(5), np.zeros((2, 9_600), np.float32), {})
        return info, 2.0

    return make


def _produce(root: Path, made_s: float, target_s: float, failing: set[int]) -> Progressing:
    progress = Progressing(made_s, target_s)
    with ThreadPoolExecutor(1) as pool:
        seeds = missing_seeds(root, "train", 0)
        produce(pool, _fake_make(root, failing), seeds, 1, progress)
    return progress


def test_a_resumed_run_makes_only_what_is_missing(tmp_path: Path) -> None:
    assert _produce(tmp_path, 0, 150, set()).fresh_s == 180
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "train").iterdir()}
    assert _produce(tmp_path, 180, 150, set()).fresh_s == 0
    assert _produce(tmp_path, 180, 240, set()).fresh_s == 60
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "train").iterdir()}
    assert sorted(path.name for path in after) == [f"{seed:08d}" for seed in range(4)]
    assert all(after[path] == when for path, when in before.items())


def test_a_failing_piece_is_counted_and_the_run_goes_on(tmp_path: Path) -> None:
    progress = _produce(tmp_path, 0, 120, {1})
    assert (progress.failures, progress.made_s) == (1, 120)
    assert progress.hours_per_core_hour == 30.0
    assert {info["seed"] for info in store.infos(tmp_path, "train")} == {0, 2}


def test_a_run_in_which_everything_fails_ends(tmp_path: Path) -> None:
    assert _produce(tmp_path, 0, 120, set(range(100))).failures == MAX_FAILURES_IN_A_ROW
