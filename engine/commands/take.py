"""Play a story into a file: what `render` and `story` have in common.

In:  a `Story` and how to play it. Out: a WAV file, maybe a picture, and a report of one take. Order
matters to a player: everything that can be refused is refused before the first frame is made.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.commands.where import bundle_folder
from engine.errors import AntiphonError, OptionError
from engine.options import EngineOptions, SamplingOptions, check_seed

if TYPE_CHECKING:
    from engine.bundle import Bundle
    from engine.offline import Rendering
    from engine.row import Vector
    from engine.timeline import Story

PICTURE_TITLE_CHARACTERS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How to play, whatever is played. Made from options; making one checks them."""

    bundle: Path | None  # None: the default
    engine: EngineOptions
    sampling: SamplingOptions
    seed: int
    block: int = 1
    guard: bool = True

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.block < 1:
            raise OptionError.of("block", self.block, "at least 1 frame")


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where a take goes."""

    audio: Path
    picture: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Take:
    """A take that has been written."""

    files: Files
    story: "Story"  # as played
    bundle: "Bundle"
    rendering: "Rendering"
    sha256: str  # of the samples as written
    sample_format: str
    seed: int


StyleOf = Callable[["Bundle"], "Vector"]


def open_bundle(folder: Path | None, options: EngineOptions) -> "Bundle":
    """Open a bundle, the default if None, on the backend asked for.

    Raises:
        BundleError, BackendError: see `Bundle.open` and `open_backend`.
    """
    from engine.backends import open_backend
    from engine.bundle import Bundle

    return Bundle.open(bundle_folder(folder), open_backend(options.backend, options.threads))


def styles_of(bundle: "Bundle", story: "Story") -> list["Vector | None"]:
    """Embed every cue's words; None for a cue of only numbers and refusals."""
    from engine.stages import prompt

    return [
        prompt.encode(bundle, cue.prompt.text) if cue.prompt.text else None for cue in story.cues
    ]


def record(
    story: "Story", setup: Setup, files: Files, *, title: str, style_of: StyleOf | None = None
) -> Take:
    """Play a story and write it.

    Args:
        story: what to play.
        setup: how.
        files: where to; both are claimed before anything is rendered, and appear at the end.
        title: over the picture.
        style_of: gives the style of every cue in place of its words.

    Raises:
        AntiphonError: anything; then no file has been written or changed.
    """
    from engine import output, picture

    with ExitStack() as places:
        audio_part = places.enter_context(output.reserve(files.audio, ".wav"))
        picture_part = files.picture and places.enter_context(output.reserve(files.picture, ".png"))
        bundle = open_bundle(setup.bundle, setup.engine)
        style = style_of(bundle) if style_of else None
        styles = [style] * len(story.cues) if style_of else styles_of(bundle, story)
        story = in_time(story, styles, bundle, setup.seed)
        rendering = _play(story, styles, bundle, setup)
        sample_format: output.Subtype = "PCM_24" if setup.guard else "FLOAT"
        digest = output.write_wav(audio_part, rendering.audio, rendering.rate, sample_format)
        if picture_part:
            marks = [picture.Mark(cue.second, cue.said) for cue in story.cues]
            picture.save(
                picture_part,
                rendering.audio,
                rendering.rate,
                marks,
                title[:PICTURE_TITLE_CHARACTERS],
            )
    return Take(
        files=files,
        story=story,
        bundle=bundle,
        rendering=rendering,
        sha256=digest,
        sample_format=sample_format,
        seed=setup.seed,
    )


def in_time(story: "Story", styles: list["Vector | None"], bundle: "Bundle", seed: int) -> "Story":
    """Give a story that has no tempo one that suits its first cue, where the bundle knows any."""
    if story.has_tempo or story.harmony == "played" or bundle.harmony is None:
        return story
    return story.at_tempo(bundle.harmony.tempo_bpm(styles[0], story.cues[0].said, seed))


def _play(
    story: "Story", styles: list["Vector | None"], bundle: "Bundle", setup: Setup
) -> "Rendering":
    """Render with a progress bar on stderr."""
    from engine import offline
    from engine.commands.progress import progress_bar
    from engine.session import Session

    session = Session(bundle, seed=setup.seed, sampling=setup.sampling)
    with progress_bar("playing", story.frames) as progress:
        rendering = offline.render(
            session,
            lambda frame: story.controls(frame, styles),
            frames=story.frames,
            block=setup.block,
            guard=setup.guard,
            progress=progress,
        )
    if setup.guard and rendering.silent_frames == rendering.frames:
        raise AntiphonError(
            "the take is silent from end to end, so nothing was written. Try another seed or "
            "prompt, or keep it with --no-guard."
        )
    return rendering
