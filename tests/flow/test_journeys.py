"""Two journeys through the live engine, told from one end to the other.

A prompt: typed, read, embedded, asked for on the bar, heard there, answered, and heard again from
the log. A block: played, heard as tokens, followed in its place in the song, and continued.
"""

import json

import numpy as np
import soundfile

from engine import control_log
from engine.ask import Ask
from engine.clock import HostBlock, Transport
from engine.replay import replay
from engine.row import SLICES
from engine.song import Signature, SongTempo
from engine.spec import KEYS, START_TOKEN
from engine.stages.prompt import encode
from tests.engine.performing import guitar
from tests.engine.recording import Recording
from tests.fakes import FRAME, LATENCY, RATE

FADE = RATE // 200  # 5 ms


class Watched:
    """A graph that keeps what it is given."""

    def __init__(self, graph):
        self.graph, self.spec, self.given = graph, graph.spec, []

    def run(self, inputs):
        self.given.append({name: array.copy() for name, array in inputs.items()})
        return self.graph.run(inputs)


def watch(performer, name: str) -> Watched:
    """Look over the shoulder of a performer's graph."""
    session = performer._now.voice.source.line.session
    watched = Watched(session._graphs[name])
    session._graphs = session._graphs | {name: watched}
    return watched


def test_a_prompts_whole_journey(toy_bundle, tmp_path):
    """ "Warm tape choir, D minor" is typed while something else plays, for the next bar."""
    with Recording(toy_bundle, tmp_path / "take.jsonl", seed=7) as stage:
        # The host plays at 97.3 bpm in 3/4, somewhere in its song. Something sounds.
        song = HostBlock(
            sample=0, rate=48_000, quarter=7.5, tempo=SongTempo(97.3), signature=Signature(3, 4)
        )
        stage.move(Transport(rate=48_000, tempo=SongTempo(120)).follow(song))
        stage.make(20)

        # The prompt comes over a wire, with a name and a time.
        typed = {
            "id": "player-1",
            "command": {"kind": "prompt", "index": 1, "text": "warm tape choir, D minor"},
            "when": {"kind": "bar", "frame": None, "bars": None},
            "glide_seconds": 0.0,
        }
        ask = Ask.from_json(json.loads(json.dumps(typed)))

        # It is read: the key is a number of its own, the rest is for the text tower.
        assert ask.command.parsed.key == "D minor"
        assert ask.command.parsed.text == "warm tape choir"
        style = encode(toy_bundle, ask.command.parsed.text)

        # It was typed while frame 18 was heard; the frames made since can still be changed.
        unasked = stage.performer.branch()
        stage.ask(ask, style, since=18)
        rows = watch(stage.performer, "observe")

        # The bar line: quarter 9 comes 1.5 quarters behind quarter 7.5.
        line = round(1.5 * 60 / 97.3 * RATE)
        frame = (line - LATENCY) // FRAME
        while stage.performer.waiting:
            stage.make()
        stage.make(2)

        # The answer says when it is heard, to the sample, and in which frame that is.
        (ack,) = stage.acks
        assert (ack.id, ack.what) == ("player-1", "done")
        assert (ack.frame, ack.sample) == (frame, line)

        # The first row that asks for it is that frame's; it has the style and the key,
        # and the place in the bar at which the frame is heard.
        row = next(given["row"][0] for given in rows.given if given["row"][0, 0] != 0)
        np.testing.assert_array_equal(row[SLICES["style"]], [*style, 1.0])
        assert row[SLICES["key"]].nonzero()[0].tolist() == [KEYS.index("D minor") % 12, 13]
        beat = stage.performer.position(frame).beat
        assert row[SLICES["meter"]][1] == np.float32(np.cos(2 * np.pi * beat))

        # It is heard on the line: up to it the old music, 5 ms behind it the new alone.
        heard = np.concatenate(stage.chunks, axis=1)
        old = np.concatenate([unasked.make().chunk for _ in range(20, len(stage.chunks))], axis=1)
        differs = np.flatnonzero((heard[:, 20 * FRAME :] != old).any(axis=0))
        assert differs[0] + 20 * FRAME == line
        assert abs(differs[0] + 20 * FRAME - line) < FADE

        # What was heard is all in the log.
        heard = stage.end()
    again = replay(toy_bundle, control_log.read(tmp_path / "take.jsonl"))
    np.testing.assert_array_equal(again.audio, heard)
    assert again.acks == (ack,)


def test_a_live_blocks_whole_journey(toy_bundle, tmp_path):
    """A guitar plays; on the third bar line the machine goes on with it."""
    with Recording(toy_bundle, tmp_path / "take.jsonl", seed=7) as stage:
        # The host plays at 120 bpm; the machine listens, and is silent.
        stage.move(Transport(rate=RATE, tempo=SongTempo(120)))
        stage.ask(_ask("listen", "now"))
        stage.play_heard(10)
        assert stage.performer.role == "listen"
        heard_by = watch(stage.performer, "observe")

        # A frame is heard two frames behind what is made. It becomes tokens for the frame of
        # music that sounds at the same time.
        stage.play_heard(50)
        session = stage.performer._now.voice.source.line.session
        assert (session.last_tokens < START_TOKEN).all()
        assert stage.performer.heard_frame == 58
        newest = stage.performer._intake.at(56).tokens

        # They are followed under the row of their own place in the song, not of the newest.
        stage.play_heard(3)
        followed = next(
            index
            for index, given in enumerate(heard_by.given)
            if np.array_equal(given["tokens"][0], newest)
        )
        rows = [given["row"][0] for given in heard_by.given]
        beat = stage.performer.position(57).beat  # a frame takes in the tokens before it
        assert rows[followed][SLICES["meter"]][1] == np.float32(np.cos(2 * np.pi * beat))

        # "Go on, from the third bar." It is asked in the second.
        stage.ask(_ask("continue", "bar"))
        line = 4 * RATE
        stage.play_heard(60)
        ack = stage.acks[-1]
        assert (ack.what, ack.sample) == ("done", line)

        # Silence up to the line; from it on, music that begins where the guitar was heard last.
        heard = np.concatenate(stage.chunks, axis=1)
        assert not heard[:, :line].any()
        assert np.abs(heard[:, line : line + FADE]).max() > 0
        assert np.abs(heard[:, line + FADE :]).max() > 0.01

        # Another guitar would have been continued otherwise.
        heard = stage.end()
    assert soundfile.info(str(tmp_path / "take.input.wav")).frames == 121 * FRAME
    again = replay(toy_bundle, control_log.read(tmp_path / "take.jsonl"))
    np.testing.assert_array_equal(again.audio, heard)
    with Recording(toy_bundle, tmp_path / "other.jsonl", seed=7) as other:
        other.move(Transport(rate=RATE, tempo=SongTempo(120)))
        other.ask(_ask("listen", "now"))
        other.ask(_ask("continue", "bar"), since=51)
        for _ in range(110):
            other.make()
            while other.performer.heard_frame < other.performer.frame - 2:
                other.hear(hears=lambda frame: guitar(frame + 5000))
        differs = np.flatnonzero((other.end() != heard[:, : 110 * FRAME]).any(axis=0))
    assert differs[0] == line


def _ask(mode: str, when: str) -> Ask:
    asked = {"kind": "mode", "mode": mode}
    return Ask.from_json({"id": mode, "command": asked, "when": {"kind": when}})
