"""Every torch part keeps the streaming contract: blocks of any size, no future, declared past."""

import pytest

torch = pytest.importorskip("torch", reason="models need torch: pip install 'antiphon[train]'")

from models.codec import Codec, CodecConfig, Decoder, Encoder, Writer
from models.downmix import Downmix
from models.filterbank import Filterbank
from models.hearing import Hearing
from models.lm import LanguageConfig, LanguageModel
from models.mdct import Analysis, Synthesis
from models.noise import ShapedNoise, band_shapes
from models.oscillators import CYCLE, Oscillators, turns_per_sample
from models.semantic import SemanticConfig, SemanticEncoder
from models.speaking import Speaking
from models.streaming import Chain, ConvNeXtBlock
from models.upmix import Memory, Placing, Upmix, UpmixConfig
from tests.contract import assert_hears_no_future, assert_steps_like_whole

SMALL = CodecConfig(
    rate=8_000,
    channels=2,
    encoder_width=24,
    encoder_blocks=2,
    decoder_width=32,
    decoder_blocks=2,
    latent=8,
    codebook=16,
)
STAGE = UpmixConfig(
    sheet={"rate": 8_000, "subframes": 2, "hops": 4, "bands": 12, "gain": 8.0},
    tones=82,
    rate=16_000,
    places=6,
    air=3,
    width=16,
    blocks=2,
)
TINY_LANGUAGE = LanguageConfig(
    levels=3,
    leading=2,
    codebook=11,
    row_width=5,
    embedding=8,
    width=24,
    layers=2,
    heads=2,
    window=4,
    depth_width=16,
    depth_heads=2,
)


@pytest.fixture(autouse=True)
def _same_weights_every_time():
    torch.manual_seed(0)


def parts():
    frame = SMALL.audio.frame_samples
    return {
        "block": (ConvNeXtBlock(6, dilation=2), torch.randn(2, 23, 6)),
        "chain": (Chain(ConvNeXtBlock(6), ConvNeXtBlock(6, dilation=3)), torch.randn(2, 23, 6)),
        "analysis": (Analysis(20), torch.randn(2, 9, 20)),
        "synthesis": (Synthesis(20), torch.randn(2, 9, 20)),
        "filterbank": (Filterbank(8_000, 320, bands=40), torch.randn(2, 9, 320)),
        "oscillators": (Oscillators(8_000, 2), torch.rand(2, 9, 2 * len(turns_per_sample(8_000)))),
        "noise": (ShapedNoise(80, 4, band_shapes(80, 12, 8_000)), torch.rand(2, 9, 4 * 12)),
        "noises": (ShapedNoise(80, 4, band_shapes(80, 12, 8_000), 2), torch.rand(2, 9, 8 * 12)),
        "turned": (Oscillators(8_000, 2, tones=20, parts=2), torch.rand(2, 9, 2 * 2 * 20)),
        "downmix": (Downmix(STAGE.audio, 8_000), torch.randn(2, 9, 2 * 640)),
        "memory": (Memory(7.0, 5), torch.randn(2, 9, 5)),
        "placing": (Placing(STAGE), torch.rand(2, 9, 2 * STAGE.subframe)),
        "upmix": (Upmix(STAGE), torch.rand(2, 9, 2 * STAGE.subframe)),
        "hearing": (Hearing(8_000, 2, 4, 12, 8.0), torch.randn(2, 15, 320)),
        "speaking": (Speaking(8_000, 2, 4, 12, 8.0), torch.rand(2, 9, 2 * (82 + 2 * 12))),
        "encoder": (Encoder(SMALL), torch.randn(2, 15, 2 * frame)),
        "decoder": (Decoder(SMALL), torch.randn(2, 15, 8)),
        "writer": (Writer(Decoder(SMALL)), torch.randn(2, 15, 8)),
        "semantic": (SemanticEncoder(SemanticConfig(width=16, latent=4)), torch.randn(1, 12, 960)),
    }


@pytest.mark.parametrize("name", list(parts()))
def test_a_part_streams_as_it_plays_whole(name):
    part, x = parts()[name]
    assert_steps_like_whole(part, x)


@pytest.mark.parametrize("name", [name for name in parts() if name != "semantic"])
def test_a_part_hears_no_future_and_no_more_past_than_it_says(name):
    part, x = parts()[name]
    assert_hears_no_future(part, x, x.shape[1] - 2)


def test_the_depthformer_streams_past_its_window():
    """Twenty frames slide a window of four right out: old keys must leave, none may stay."""
    model = LanguageModel(TINY_LANGUAGE).eval()
    x = (torch.randint(0, 11, (2, 20, 3)), torch.randn(2, 20, 5))
    assert_steps_like_whole(
        model.temporal, x, cut=lambda x, start, stop: (x[0][:, start:stop], x[1][:, start:stop])
    )


def test_a_lookahead_would_be_caught():
    """The contract itself can fail: a block that sees the next frame does not pass."""

    class Peeking(ConvNeXtBlock):
        def step(self, x, state):
            y, state = super().step(x, state)
            return y + torch.roll(x, -1, 1), state

    with pytest.raises(AssertionError, match="differ from whole"):
        assert_steps_like_whole(Peeking(6), torch.randn(1, 9, 6))


def test_the_transform_gives_back_what_it_took_one_hop_late():
    audio = torch.randn(1, 12, 20)
    back = Synthesis(20)(Analysis(20)(audio))
    torch.testing.assert_close(back[:, 1:], audio[:, :-1], atol=1e-5, rtol=0)


def test_depth_samples_what_it_would_predict_when_greedy():
    """Sampling step by step with no noise follows the teacher-forced argmax of its own choices."""
    model = LanguageModel(TINY_LANGUAGE).eval()
    hidden = torch.randn(1, 24)
    zeros, ones = torch.zeros(3), torch.ones(3)
    with torch.no_grad():
        tokens = model.depth.sample(hidden, torch.ones(1, 1), torch.randn(3, 11), zeros, 50 * ones)
        logits = model.depth(hidden, tokens)
    assert torch.equal(logits.argmax(-1), tokens)


def test_guidance_of_one_is_the_conditioned_row_alone():
    model = LanguageModel(TINY_LANGUAGE).eval()
    hidden, noise = torch.randn(2, 24), torch.randn(3, 11)
    ones, cutoff = torch.ones(3), torch.full((3,), 50.0)
    with torch.no_grad():
        alone = model.depth.sample(hidden[:1], torch.ones(1, 1), noise, ones, cutoff)
        both = model.depth.sample(hidden, torch.tensor([[1.0], [0.0]]), noise, ones, cutoff)
    assert torch.equal(alone, both)


def test_codes_of_minus_one_leave_their_level_out():
    codec = Codec(SMALL).eval()
    codes = codec.encode(torch.randn(1, 2, 5 * SMALL.audio.frame_samples))
    kept = codes.clone()
    kept[..., 3:] = -1
    expected = sum(codec.quantizer.codebooks[level][codes[..., level]] for level in range(3))
    torch.testing.assert_close(codec.quantizer.decode(kept), expected)


def test_a_held_tone_sounds_the_same_in_every_frame():
    """The point of free-running oscillators: constant amplitudes make a steady tone, not a comb."""
    bank = Oscillators(24_000, 2)
    amplitudes = torch.zeros(1, 60, 2 * bank.size)
    tone = int((turns_per_sample(24_000) * 24_000 - 440).abs().argmin())
    amplitudes[..., [tone, bank.size + tone]] = 0.5
    audio = bank(amplitudes)[0, 1:].flatten()
    spectrum = torch.fft.rfft(audio * torch.hann_window(len(audio))).abs()
    hertz = torch.fft.rfftfreq(len(audio), 1 / 24_000)
    assert hertz[spectrum.argmax()] == pytest.approx(440, rel=0.002)
    away = (hertz - 440).abs() > 10
    assert spectrum[away].max() < 0.003 * spectrum.max()


def test_oscillators_come_back_to_their_phase_after_a_cycle():
    """A stream may run for days: the clock wraps without a click."""
    bank = Oscillators(8_000, 2)
    amplitudes = torch.rand(1, 3, 2 * bank.size)
    state = bank.init_state()
    late = {**state, "clock": state["clock"] + CYCLE}
    assert torch.equal(bank.step(amplitudes, state)[0], bank.step(amplitudes, late)[0])
