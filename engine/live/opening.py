"""How a set begins: prompts in their slots, and what the options and the set's file say beside.

In:  options and a slots file; the options outweigh. Out: the commands that are obeyed before the
first frame. Making one checks everything. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.command import SLOTS, Command, Mode, Pick, SetMode, SetParam, SetPrompt
from engine.errors import InputError
from engine.live.slots_file import SlotsFile
from engine.options import check_seed
from engine.params import PARAMETERS, Value


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What is asked for before the first frame."""

    prompts: Mapping[int, str] = field(default_factory=dict)  # slot -> words
    params: Mapping[str, Value] = field(default_factory=dict)
    mode: Mode = "play"
    seed: int = 0

    def __post_init__(self) -> None:
        check_seed(self.seed)
        for name, value in self.params.items():
            PARAMETERS[name].check(value)
        self.commands()

    @property
    def slot(self) -> int:
        """The slot that plays first: the lowest that holds something."""
        return min(self.prompts, default=1)

    def commands(self) -> list[Command]:
        """In order.

        Raises:
            OptionError, PromptError: a mode or a prompt that cannot be.
        """
        asked: list[Command] = [SetParam(name=n, value=v) for n, v in self.params.items()]
        asked += [SetPrompt(index=index, text=text) for index, text in self.prompts.items()]
        asked.append(Pick(index=self.slot))
        return asked if self.mode == "play" else [*asked, SetMode(mode=self.mode)]


def opening(
    prompts: Sequence[str],
    found: SlotsFile | None,
    *,
    tempo: float | None,
    key: str | None,
    seed: int | None,
    mode: Mode,
) -> Opening:
    """Put options and a file together.

    Args:
        prompts: for slots 1, 2, ..., in place of the file's.
        found: the file, if there is one.
        tempo, key, seed: None is the file's, or else the defaults; the key as `spec.KEYS` has it.
        mode: to begin in.

    Raises:
        InputError: more prompts than slots.
        OptionError, PromptError: a value out of range, or a prompt that cannot be read.
    """
    if len(prompts) > SLOTS:
        raise InputError(f"{len(prompts)} prompts, expected at most {SLOTS}: one for each slot.")
    texts = {int(slot): text for slot, text in found.prompts.items()} if found else {}
    texts |= {index: text for index, text in enumerate(prompts, 1)}
    params: dict[str, Value] = {}
    tempo = found.tempo if found and tempo is None else tempo
    key = found.key if found and key is None else key
    seed = found.seed if found and seed is None else seed
    if tempo is not None:
        params["tempo"] = tempo
    if key is not None:
        params["key"] = key
    return Opening(prompts=dict(sorted(texts.items())), params=params, mode=mode, seed=seed or 0)
