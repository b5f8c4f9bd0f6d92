"""Options: what cannot be meant is refused with what can."""

from dataclasses import FrozenInstanceError

import pytest

from engine.errors import OptionError
from engine.options import EngineOptions, SamplingOptions


@pytest.mark.parametrize("temperature", [-0.1, 2.1, float("nan"), float("inf"), "hot", True, None])
def test_a_temperature_out_of_range_is_refused(temperature):
    with pytest.raises(OptionError, match=r"temperature is .*, expected a number from 0 to 2"):
        SamplingOptions(temperature=temperature)


@pytest.mark.parametrize("guidance", [0.9, 8.1, -1, float("nan"), "strong", False])
def test_a_guidance_out_of_range_is_refused(guidance):
    with pytest.raises(OptionError, match=r"guidance is .*, expected a number from 1 to 8"):
        SamplingOptions(guidance=guidance)


@pytest.mark.parametrize("threads", [0, 65, 1.5, True, "two"])
def test_a_thread_count_out_of_range_is_refused(threads):
    with pytest.raises(OptionError, match=r"threads is .*, expected a whole number from 1 to 64"):
        EngineOptions(threads=threads)


def test_an_unknown_backend_is_refused_with_the_known_ones():
    with pytest.raises(OptionError, match="backend is 'tpu', expected one of auto, reference, ort"):
        EngineOptions(backend="tpu")


def test_an_unknown_option_is_an_error():
    with pytest.raises(TypeError):
        SamplingOptions(temprature=1.0)


def test_options_cannot_be_changed_behind_a_sessions_back():
    with pytest.raises(FrozenInstanceError):
        SamplingOptions().temperature = 0.5


def test_the_ends_of_every_range_are_allowed():
    SamplingOptions(temperature=0, guidance=1)
    SamplingOptions(temperature=2.0, guidance=8.0)
    EngineOptions(threads=64)
