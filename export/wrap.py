"""Each model as one step graph: named tensors in, named tensors out, state included.

A `StepGraph` is a torch module whose forward takes its inputs in the order of `inputs` (state last)
and returns a tuple in the order of `outputs`. This is the only place that knows both the models'
call signatures and the manifest's names.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.spec import LEVELS, START_TOKEN
from export.material import Models
from models.lm import Depth, LanguageModel
from models.quantizer import ResidualQuantizer
from models.streaming import Steppable

Tensors = dict[str, Tensor]


@dataclass
class StepGraph:
    """A model ready to export, with everything the manifest says about it."""

    name: str
    module: "Wrapped"
    example: Tensors  # the inputs beside the state, batch 1
    state: Tensors  # initial, batch 1
    outputs: tuple[str, ...]  # beside the state
    latency_samples: int = 0
    context_frames: int = 0
    batched: bool = False  # the leading dimension is free

    @property
    def input_names(self) -> list[str]:
        """In call order."""
        return [*self.example, *self.state]

    @property
    def output_names(self) -> list[str]:
        """In return order."""
        return [*self.outputs, *(f"{name}.next" for name in self.state)]


Step = Callable[[Tensors, Tensors], tuple[tuple[Tensor, ...], Tensors]]


class Wrapped(nn.Module):
    """Positional tensors in and out around a step on dictionaries."""

    def __init__(self, model: nn.Module, step: Step, inputs: list[str], state: list[str]) -> None:
        super().__init__()
        self.model, self.step_of, self.inputs, self.state = model, step, inputs, state

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        named = dict(zip([*self.inputs, *self.state], tensors, strict=True))
        outputs, after = self.step_of(
            {name: named[name] for name in self.inputs}, {name: named[name] for name in self.state}
        )
        return (*outputs, *(after[name] for name in self.state))


def _graph(
    name: str,
    model: nn.Module,
    step: Step,
    example: Tensors,
    state: Tensors,
    outputs: tuple[str, ...],
    **facts: int,
) -> StepGraph:
    module = Wrapped(model, step, list(example), list(state)).eval()
    batched = bool(facts.pop("batched", 0))
    return StepGraph(name, module, example, state, outputs, batched=batched, **facts)


def encode_graph(models: Models) -> StepGraph:
    """SoundStream encoder: audio [1, C, F] to codes [1, 12]."""
    return _hearing_graph("encode", models, models.encoder, models.codec.quantizer)


def listen_graph(models: Models) -> StepGraph:
    """Semantic tokenizer: audio [1, C, F] to codes [1, 1]."""
    return _hearing_graph("listen", models, models.ear, models.semantic.quantizer)


def _hearing_graph(
    name: str, models: Models, ear: Steppable, quantizer: ResidualQuantizer
) -> StepGraph:
    def step(inputs: Tensors, state: Tensors) -> tuple[tuple[Tensor, ...], Tensors]:
        latents, after = ear.step(inputs["audio"].flatten(1)[:, None], state)
        return (quantizer.encode(latents)[:, 0],), after

    audio = torch.randn(1, models.audio.channels, models.audio.frame_samples) * 0.1
    return _graph(
        name,
        nn.ModuleList([ear, quantizer]),
        step,
        {"audio": audio},
        ear.init_state(),
        ("codes",),
        latency_samples=models.downmix.late if models.downmix else 0,
        context_frames=ear.context,
    )


def decode_graph(models: Models) -> StepGraph:
    """SoundStream decoder: codes [1, 12] to audio [1, C, F], one hop late."""
    codec, decoder = models.codec, models.decoder

    def step(inputs: Tensors, state: Tensors) -> tuple[tuple[Tensor, ...], Tensors]:
        latents = codec.quantizer.decode(inputs["codes"])[:, None]
        frames, after = decoder.step(latents, state)
        return (frames.reshape(1, models.audio.channels, -1),), after

    codes = torch.randint(0, codec.config.codebook, (1, codec.config.levels))
    return _graph(
        "decode",
        nn.ModuleList([codec.quantizer, decoder]),
        step,
        {"codes": codes},
        decoder.init_state(),
        ("audio",),
        latency_samples=(models.upmix or codec).config.hop,
        context_frames=decoder.context,
    )


def observe_graph(language: LanguageModel) -> StepGraph:
    """Temporal transformer: past tokens [B, 13] and row [B, W] to hidden [B, D]."""

    def step(inputs: Tensors, state: Tensors) -> tuple[tuple[Tensor, ...], Tensors]:
        frame = (inputs["tokens"][:, None], inputs["row"][:, None])
        hidden, after = language.temporal.step(frame, state)
        return (hidden[:, 0],), after

    example = {
        "tokens": torch.full((1, LEVELS), START_TOKEN),
        "row": torch.randn(1, language.config.row_width),
    }
    state = language.temporal.init_state()
    context = language.temporal.context
    return _graph(
        "observe", language, step, example, state, ("hidden",), context_frames=context, batched=1
    )


def compose_graph(language: LanguageModel, levels: int = LEVELS) -> StepGraph:
    """Depth transformer and sampling: hidden [B, D] and noise to tokens [1, 13].

    With fewer levels it is the graph `brief`, which leaves fine tokens out when time is short.
    """
    config, depth = language.config, _first_levels(language.depth, levels)

    def step(inputs: Tensors, _: Tensors) -> tuple[tuple[Tensor, ...], Tensors]:
        return (depth.sample(**inputs, levels=levels),), {}

    example = {
        "hidden": torch.randn(1, config.width),
        "weights": torch.ones(1, 1),
        "noise": torch.randn(config.levels, config.codebook),
        "temperature": torch.ones(config.levels),
        "cutoff": torch.full((config.levels,), 4.0),
    }
    name = "compose" if levels == LEVELS else "brief"
    return _graph(name, depth, step, example, {}, ("tokens",), batched=1)


def _first_levels(depth: Depth, levels: int) -> Depth:
    """A depth transformer whose table ends with the levels it draws: the file holds no more."""
    short = deepcopy(depth)
    table = short.embedding.table
    table.weight = nn.Parameter(table.weight[: levels * short.embedding.rows].detach().clone())
    return short
