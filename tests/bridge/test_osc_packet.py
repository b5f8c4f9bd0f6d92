"""Datagrams: what a controller sends is read, and nothing that is sent ever hangs the reader."""

import random
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.errors import OscError
from bridge.limits import MAX_SENT_DATAGRAM_BYTES
from bridge.osc_packet import OscMessage, read, write

arguments = st.lists(
    st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30),
        st.booleans(),
        st.none(),
        st.integers(-(10**6), 10**6).map(lambda value: value / 1000),
    ),
    max_size=8,
)


@given(arguments)
def test_what_is_written_is_read(given):
    (message,) = read(write("/some/address", given))
    assert message == OscMessage("/some/address", tuple(given))


def test_a_number_is_the_one_that_was_meant():
    (message,) = read(write("/param/tempo", [97.3]))
    assert message.arguments == (97.3,)


def test_a_number_that_no_32_bits_hold_travels_in_64():
    (message,) = read(write("/a", [1e300, -1e300, float("inf")]))
    assert message.arguments == (1e300, -1e300, float("inf"))


def test_a_message_of_another_library_is_read():
    builder = OscMessageBuilder("/prompt/1/text")
    builder.add_arg("warm tape choir")
    builder.add_arg(0.5, "d")
    (message,) = read(builder.build().dgram)
    assert message.arguments == ("warm tape choir", 0.5)


def test_a_bundle_says_when():
    inner = OscBundleBuilder(2_000_000_000.5)
    for address in ("/a", "/b"):
        inner.add_content(OscMessageBuilder(address).build())
    outer = OscBundleBuilder(0)
    outer.add_content(inner.build())
    outer.add_content(OscMessageBuilder("/c").build())
    first, second, third = read(outer.build().dgram)
    assert (first.address, second.address, third) == ("/a", "/b", OscMessage("/c", ()))
    assert first.time == pytest.approx(2_000_000_000.5, abs=1e-3)


def test_what_is_sent_fits_a_frame_of_the_network():
    sent = write("/error", ["/prompt/1/text", "ü" * 5000])
    assert len(sent) <= MAX_SENT_DATAGRAM_BYTES
    assert read(sent)[0].arguments[1].startswith("üüü")


BUNDLE = b"#bundle\0" + struct.pack(">Q", 1)


def nested(depth: int) -> bytes:
    part = write("/a", [])
    for _ in range(depth):
        part = BUNDLE + struct.pack(">i", len(part)) + part
    return part


@pytest.mark.parametrize(
    ("datagram", "said"),
    [
        (b"", "no OSC"),
        (b"\0" * 64, "the address"),
        (b"/a", "no OSC"),
        (b"hello\0\0\0", "the address"),
        (b"/a b\0\0\0\0", "the address"),
        (b"/" + b"a" * 300 + b"\0\0\0", "the address"),
        (b"/a\0\0nope\0\0\0\0", "types 'nope'"),
        (b"/a\0\0," + b"i" * 40 + b"\0" * 3, "up to 32 arguments"),
        (b"/a\0\0,s\0\0abc", "no OSC"),
        (b"/a\0\0,s\0\0\xff\xfe\0\0", "no OSC"),
        (b"/a\0\0,b\0\0\0\0\0\0", "type 'b'"),
        (b"/a\0\0,[i]\0\0\0\0", "type '['"),
        (b"/a\0\0,h\0\0\0\0\0", "no OSC"),
        (b"#bundle\0", "no OSC"),
        (BUNDLE + struct.pack(">i", -4), "-4 bytes"),  # python-osc reads it for ever
        (BUNDLE + struct.pack(">i", 0), "0 bytes"),
        (BUNDLE + struct.pack(">i", 2**31 - 1), "2147483647 bytes, 0 are there"),
        (BUNDLE + b"\0\0", "no OSC"),
        (nested(5), "4 deep"),
        (b"/" * 8193, "more than 8,192 bytes"),
        (BUNDLE + (struct.pack(">i", 8) + b"/a\0\0,\0\0\0") * 65, "more than 64 messages"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_osc_is_refused_in_words(datagram, said):
    with pytest.raises(OscError) as caught:
        read(datagram)
    assert said in str(caught.value)


def test_bundles_may_lie_in_bundles_to_a_depth():
    assert read(nested(4)) == [OscMessage("/a", ())]


@given(st.binary(max_size=200))
def test_noise_is_refused_or_read_but_never_breaks(noise):
    with suppress(OscError):
        read(noise)


def test_damaged_messages_are_refused_or_read_but_never_break():
    rng = random.Random(1)
    seeds = [
        write("/prompt/1/text", ["warm tape choir"]),
        write("/param/seed", [2**40, None, True]),
        nested(3),
        BUNDLE + struct.pack(">i", 8) + b"/a\0\0,\0\0\0",
    ]
    refused = 0
    for _ in range(5000):
        datagram = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 6)):
            datagram[rng.randrange(len(datagram))] = rng.randrange(256)
        try:
            read(bytes(datagram[: rng.randint(0, len(datagram))]))
        except OscError:
            refused += 1
    assert refused > 3000
