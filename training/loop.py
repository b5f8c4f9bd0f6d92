"""The one training loop: step, log, average, checkpoint, resume, stop when the budget is spent.

A `Task` brings a model, batches and a loss; the loop brings everything else. The learning rate
follows the share of the *time* budget that is spent (warm-up, then cosine), so that
`--budget-minutes` means the same on any machine; on a CPU a process that waits for its turn, or is
stopped, spends nothing. A run that is started again goes on where it stopped
(`training.checkpoint`). A run that goes on from a bundle has a budget and a warm-up of its own.
Prints one line per `log_every` steps on stderr and one JSON summary on stdout.
"""

import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.errors import OptionError
from training import checkpoint
from training.checkpoint import Base, Record


class TrainingFailed(RuntimeError):
    """A guard found that a run learned nothing or fell apart."""


class Task(Protocol):
    """What a trainer brings to the loop."""

    model: nn.Module

    def batch(self, rng: np.random.Generator) -> Any:
        """Draw one batch."""

    def loss(self, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """Return the loss to minimise and figures to log."""

    def validate(self) -> dict[str, float]:
        """Measure on held-out pieces, with the averaged weights in place."""

    def guard(self, figures: dict[str, float]) -> None:
        """Raise `TrainingFailed` when the final figures show a failed run."""


@dataclass(frozen=True, kw_only=True)
class LoopOptions:
    """How long and how to train."""

    out: Path  # folder for checkpoints
    budget_minutes: float  # of training; of a run that goes on from a bundle: since then
    lr: float = 1e-3  # peak
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    warmup: float = 0.02  # share of the budget
    # After a bundle at least these: Adam's averages are empty, and its first steps as long as lr.
    restart_warmup: int = 300  # steps
    clip: float = 1.0  # gradient norm
    average: float = 0.998  # decay of the weight average
    log_every: int = 50  # steps
    validate_every_minutes: float = 5.0
    seed: int = 0
    threads: int = 2
    device: str = "auto"
    max_steps: int = 0  # 0: the budget alone decides
    told: Mapping[str, Any] = field(default_factory=dict)  # to the task; weights do not show it


def choose_device(asked: str) -> torch.device:
    """`auto` takes CUDA where there is one."""
    if asked == "auto":
        asked = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(asked)


def prefers_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is faster: on a GPU, and on a CPU with tile units (AMX).

    On one without them a step of the language model took 1.35 times as long as in float32.
    """
    if device.type != "cpu":
        return True
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # older torch cannot tell
    return bool(capabilities.get("amx_bf16", False))


class Average:
    """Exponential moving average of a model's floating-point state."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {k: v.detach().clone().float() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Follow the model; faster at first, so that the start is forgotten."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value.float(), 1 - decay)
            else:
                self.values[name] = value.clone().float()

    def swap(self, model: nn.Module) -> None:
        """Exchange the model's weights with the average; call twice to undo."""
        current = {k: v.detach().clone().float() for k, v in model.state_dict().items()}
        model.load_state_dict(
            {k: self.values[k].to(v.dtype) for k, v in model.state_dict().items()}
        )
        self.values = current


class Loop:
    """One run of one task."""

    def __init__(self, task: Task, options: LoopOptions) -> None:
        self.task, self.options = task, options
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.device = choose_device(options.device)
        self.is_short = prefers_bfloat16(self.device)
        task.model.to(self.device)
        self.parameters = [p for p in task.model.parameters() if p.requires_grad]
        decayed = [p for p in self.parameters if p.ndim >= 2]
        plain = [p for p in self.parameters if p.ndim < 2]
        groups = [
            {"params": decayed, "weight_decay": options.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=options.lr, betas=options.betas)
        self.average = Average(task.model, options.average)
        self.steps, self.elapsed = 0, 0.0
        self.history: list[dict[str, float]] = []
        self.base: Base | None = None

    def run(self) -> dict[str, Any]:
        """Train until the budget is spent; return and print the summary."""
        self._resume()
        if self.base is not None and self.steps == self.base.steps:
            self._validate()  # what the bundle says of itself, or weights and data do not belong
        budget = self.options.budget_minutes * 60
        began = self.base.minutes * 60 if self.base else 0.0
        sums: dict[str, float] = defaultdict(float)
        last_validation = self.elapsed
        for tick in self._ticks(began + budget):
            self._set_lr((self.elapsed - began) / budget)
            figures = self._step()
            for name, value in figures.items():
                sums[name] += value / self.options.log_every
            if self.steps % self.options.log_every == 0:
                self._log(sums)
                sums.clear()
            self.elapsed += self._trained(tick)
            if self.elapsed - last_validation > self.options.validate_every_minutes * 60:
                last_validation = self.elapsed
                self._validate()
                self.save()
        final = self._validate()
        self.save()
        summary = {"steps": self.steps, "minutes": round(self.elapsed / 60, 2), **final}
        print(json.dumps(summary), flush=True)
        self.task.guard(final)
        return summary

    def _ticks(self, end: float) -> Iterator[tuple[float, float]]:
        while self.elapsed < end and not 0 < self.options.max_steps <= self.steps:
            yield time.monotonic(), time.process_time()

    def _trained(self, tick: tuple[float, float]) -> float:
        """Seconds spent on training since `tick`: on a CPU no more than the processor gave."""
        wall, processor = time.monotonic() - tick[0], time.process_time() - tick[1]
        return min(wall, processor) if self.device.type == "cpu" else wall

    def _step(self) -> dict[str, float]:
        rng = np.random.default_rng((self.options.seed, self.steps))
        self.task.model.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_short):
            loss, figures = self.task.loss(self.task.batch(rng))
        if not torch.isfinite(loss):
            raise TrainingFailed(
                f"loss is {loss.item()} at step {self.steps}: lower --lr or look at the data."
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, self.options.clip)
        self.optimizer.step()
        self.steps += 1
        self.average.update(self.task.model, self.steps)
        return {"loss": loss.item(), "grad": float(norm), **figures}

    def _set_lr(self, spent: float) -> None:
        warm = min(1.0, (spent + 1e-4) / self.options.warmup)
        if self.base is not None:
            since = self.steps - self.base.steps + 1
            warm = min(warm, since / max(1, self.options.restart_warmup))
        cosine = 0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1.0, spent)))
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.lr * warm * cosine

    def _log(self, sums: dict[str, float]) -> None:
        parts = " ".join(f"{name} {value:.4g}" for name, value in sums.items())
        print(f"step {self.steps} min {self.elapsed / 60:.1f} {parts}", file=sys.stderr, flush=True)

    def _validate(self) -> dict[str, float]:
        self.average.swap(self.task.model)
        self.task.model.eval()
        with torch.no_grad():
            figures = self.task.validate()
        self.average.swap(self.task.model)
        self.history.append({"step": self.steps, "minutes": self.elapsed / 60, **figures})
        parts = " ".join(f"{name} {value:.4g}" for name, value in figures.items())
        print(f"valid {self.steps} {parts}", file=sys.stderr, flush=True)
        return figures

    def save(self) -> None:
        """Write `model.safetensors` (averaged), `resume.safetensors` and `run.json` atomically."""
        out = self.options.out
        out.mkdir(parents=True, exist_ok=True)
        live = {f"model.{k}": v for k, v in self.task.model.state_dict().items()}
        for index, parameter in enumerate(self._ordered()):
            for name, value in self.optimizer.state.get(parameter, {}).items():
                live[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
        kinds = {k: v.dtype for k, v in self.task.model.state_dict().items()}
        averaged = {k: v.to(kinds[k]) for k, v in self.average.values.items()}
        checkpoint.write_tensors(out / checkpoint.RESUME, live)
        checkpoint.write_tensors(out / checkpoint.WEIGHTS, averaged)
        options = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(self.options).items()}
        record = Record(self.steps, self.elapsed, options, self.history, self.base)
        checkpoint.write_record(out, record)

    def _ordered(self) -> list[nn.Parameter]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    def _resume(self) -> None:
        out = self.options.out
        record = checkpoint.read_record(out)
        if record is None:
            return
        self._require_the_same_task(record)
        self.steps, self.elapsed, self.history = record.steps, record.elapsed, record.history
        self.base = record.base
        averaged = load_file(out / checkpoint.WEIGHTS)
        self.average.values = {k: v.float().to(self.device) for k, v in averaged.items()}
        if (out / checkpoint.RESUME).exists():
            self._restore(load_file(out / checkpoint.RESUME))
        else:
            self.task.model.load_state_dict(averaged)
        print(
            f"resumed at step {self.steps}, {self.elapsed / 60:.1f} minutes spent", file=sys.stderr
        )

    def _require_the_same_task(self, record: Record) -> None:
        before = record.options.get("told", {})
        if record.options and before != self.options.told:
            raise OptionError.of(
                "what to train", dict(self.options.told), f"{before} as in {self.options.out}",
                "Give the options that the run began with, or name another --out.",
            )  # fmt: skip

    def _restore(self, live: dict[str, Tensor]) -> None:
        """Take over live weights and the optimiser's averages."""
        model = {k[6:]: v for k, v in live.items() if k.startswith("model.")}
        self.task.model.load_state_dict(model)
        for index, parameter in enumerate(self._ordered()):
            prefix = f"optimizer.{index}."
            state = {
                k[len(prefix) :]: v.to(self.device) for k, v in live.items() if k.startswith(prefix)
            }
            if state:
                state["step"] = state["step"].cpu()
                self.optimizer.state[parameter] = state
