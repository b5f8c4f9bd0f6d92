"""The byte layout of audio messages: what goes in comes out, and nothing else gets in."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import wire
from bridge.errors import WireError
from bridge.limits import MAX_BLOCK_SAMPLES, MAX_POSITION
from bridge.wire import FIELDS, Flag, Frame, Kind, pack, unpack

KEY = bytes(range(16))

frames = st.builds(
    lambda kind, audio, rate, **numbers: Frame(
        kind=kind,
        key=KEY,
        rate=rate * 25,
        audio=audio[:, :0] if kind is Kind.CREDIT else audio,
        **numbers,
    ),
    kind=st.sampled_from(Kind),
    audio=st.builds(
        lambda channels, samples, seed: (
            np.random.default_rng(seed).standard_normal((channels, samples)).astype(np.float32)
        ),
        st.integers(1, 2),
        st.integers(0, 300),
        st.integers(0, 99),
    ),
    rate=st.integers(320, 7680),
    sequence=st.integers(0, 2**64 - 1),
    sample=st.integers(0, MAX_POSITION),
    credit=st.integers(0, MAX_POSITION),
    frame=st.integers(0, 2**64 - 1),
    seed=st.integers(0, 2**63 - 1),
    change=st.integers(0, 2**64 - 1),
    flags=st.sampled_from([Flag.NONE, Flag.GAP, Flag.REDUCED, Flag.GAP | Flag.REDUCED]),
)


def message(**numbers: object) -> bytes:
    """A well-formed INPUT message of two channels and three samples, some header fields spoilt."""
    found = {
        "magic": wire.MAGIC, "version": 1, "kind": 2, "key": KEY, "sequence": 0, "sample": 0,
        "credit": 0, "frame": 0, "seed": 0, "change": 0, "rate": 48_000, "samples": 3,
        "channels": 2, "flags": 0, "reserved": 0, **numbers,
    }  # fmt: skip
    header = struct.pack("<" + "".join(row.format for row in FIELDS), *found.values())
    return header + bytes(4 * 2 * 3)


@given(frames)
def test_a_message_arrives_as_it_was_sent(frame):
    arrived = unpack(pack(frame))
    np.testing.assert_array_equal(arrived.audio, frame.audio)
    assert {**vars(arrived), "audio": None} == {**vars(frame), "audio": None}


def test_not_a_number_travels_because_the_engine_counts_it():
    audio = np.array([[np.nan, np.inf, -np.inf]], np.float32)
    frame = Frame(kind=Kind.INPUT, key=KEY, sequence=0, sample=0, rate=48_000, audio=audio)
    np.testing.assert_array_equal(unpack(pack(frame)).audio, audio)


def test_channels_follow_each_other():
    audio = np.arange(6, dtype=np.float32).reshape(2, 3)
    sent = pack(Frame(kind=Kind.SOUND, key=KEY, sequence=0, sample=0, rate=48_000, audio=audio))
    assert struct.unpack("<6f", sent[wire.HEADER_BYTES :]) == (0, 1, 2, 3, 4, 5)


def test_the_header_is_a_multiple_of_eight_bytes_so_that_samples_are_aligned():
    assert wire.HEADER_BYTES % 8 == 0


def test_a_well_formed_message_is_read():
    assert unpack(message()).audio.shape == (2, 3)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"magic": b"RIFF"}, "magic of an audio message is b'RIFF', expected b'ANTP'"),
        ({"version": 2}, "version of an audio message is 2, expected 1"),
        ({"kind": 0}, "kind of an audio message is 0, expected 1 to 3"),
        ({"kind": 4}, "kind"),
        ({"kind": 3}, "samples of an audio message is 3, expected 0 in a CREDIT message"),
        ({"sample": MAX_POSITION + 1}, "sample"),
        ({"credit": 2**64 - 1}, "credit"),
        ({"seed": 2**63}, "seed"),
        ({"rate": 0}, "rate"),
        ({"rate": 7_999}, "rate"),
        ({"rate": 4_000_000_000}, "rate"),
        ({"rate": 48_001}, "a multiple of 25 Hz"),
        ({"samples": MAX_BLOCK_SAMPLES + 1}, "samples"),
        ({"samples": 2**32 - 1}, "samples"),
        ({"samples": 2}, "size of an audio message is 112, expected 104 bytes for 2 x 2 samples"),
        ({"samples": 4}, "size"),
        ({"channels": 0}, "channels"),
        ({"channels": 3}, "channels"),
        ({"channels": 1}, "size"),
        ({"flags": 8}, "flags"),
        ({"reserved": 1}, "reserved"),
    ],
)
def test_a_field_out_of_its_range_is_refused_by_name(spoilt, said):
    with pytest.raises(WireError, match=said.replace("(", r"\(")):
        unpack(message(**spoilt))


@pytest.mark.parametrize("cut", [0, 1, 87, 88, 111])
def test_a_message_cut_short_is_refused(cut):
    with pytest.raises(WireError, match="size"):
        unpack(message()[:cut])


def test_a_message_with_something_behind_it_is_refused():
    with pytest.raises(WireError, match="size"):
        unpack(message() + b"\0")


@given(st.binary(max_size=200))
def test_noise_is_refused(noise):
    with pytest.raises(WireError):
        unpack(noise)


@given(st.binary(max_size=120), st.integers(0, 111))
def test_a_message_with_damaged_bytes_is_refused_or_read_but_never_breaks(damage, place):
    whole = message()
    damaged = (whole[:place] + damage + whole[place + len(damage) :])[: len(whole)]
    try:
        frame = unpack(damaged)
    except WireError:
        return
    assert frame.audio.shape in ((2, 3), (1, 6))


def test_a_frame_that_would_not_be_read_is_not_sent():
    audio = np.zeros((2, MAX_BLOCK_SAMPLES + 1), np.float32)
    with pytest.raises(WireError, match="samples"):
        pack(Frame(kind=Kind.SOUND, key=KEY, sequence=0, sample=0, rate=48_000, audio=audio))
    with pytest.raises(WireError, match="key"):
        pack(Frame(kind=Kind.SOUND, key=b"short", sequence=0, sample=0, rate=48_000))
