"""The page itself: index.html with its sounds and pictures, which opens from a checkout.

In:  rows of clips and what is said about them. Out: a folder with `index.html`, `sounds/*.ogg` and
`pictures/*.png`. Plain HTML: no script, nothing from outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from engine.errors import OptionError
from engine.spec import KEYS
from training.listening import ogg, strip
from training.listening.clips import Clip
from training.listening.excerpts import Excerpt

MAX_BYTES = 8_000_000  # of the folder: it lies in git
SOUNDS, PICTURES = "sounds", "pictures"

STYLE = """
:root { color-scheme: light dark;
  --paper: #fbfaf7; --ink: #1c1d24; --faint: #6a6c7a; --line: #dcdad2; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #0e0f16; --ink: #e8e9f0; --faint: #9699aa; --line: #2b2d3a; }
}
body { margin: 2rem auto; max-width: 90rem; padding: 0 1.5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h2 { margin: 2.5rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); }
p.about { max-width: 50rem; }
p.prompt { margin: .3rem 0 1rem; max-width: 60rem; }
p.prompt span { color: var(--faint); }
div.row { display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); }
figure { margin: 0; }
img { display: block; width: 100%; height: auto; border-radius: 6px 6px 0 0; }
audio { display: block; width: 100%; height: 2.2rem; margin-top: .3rem; }
figcaption { margin-top: .3rem; font-size: .85rem; color: var(--faint); }
figcaption b { color: var(--ink); font-size: 1rem; }
"""


@dataclass(frozen=True)
class Row:
    """One excerpt with its clips."""

    excerpt: Excerpt
    clips: Sequence[Clip]


def write(folder: Path, rows: Sequence[Row], about: Sequence[str], rate: int) -> int:
    """Write the page; sounds and pictures of an older one go.

    Returns:
        its size in bytes.

    Raises:
        OptionError: it weighs more than MAX_BYTES.
    """
    for part, suffix in ((SOUNDS, "ogg"), (PICTURES, "png")):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for old in (folder / part).glob(f"*.{suffix}"):
            old.unlink()
    for row in rows:
        for clip in row.clips:
            name = file_name(row.excerpt, clip)
            ogg.write(folder / SOUNDS / f"{name}.ogg", clip.audio, rate)
            strip.save(folder / PICTURES / f"{name}.png", clip.audio, rate)
    (folder / "index.html").write_text(html(rows, about, rate))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > MAX_BYTES:
        raise OptionError.of("size of the page", size, f"at most {MAX_BYTES} bytes", "Show less.")
    return size


def file_name(excerpt: Excerpt, clip: Clip) -> str:
    """What a clip's files are called."""
    return f"{excerpt.genre.replace('_', '-')}-{clip.name}"


def html(rows: Sequence[Row], about: Sequence[str], rate: int) -> str:
    """The text of the page."""
    said = "\n".join(f'<p class="about">{escape(line)}</p>' for line in about)
    shown = "\n".join(_row(row, rate) for row in rows)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Antiphon: listening</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Listening</h1>
{said}
{shown}
</body>
</html>
"""


def _row(row: Row, rate: int) -> str:
    excerpt = row.excerpt
    facts = f"{excerpt.tempo_bpm:g} bpm, {KEYS[excerpt.key]}, {excerpt.id}"
    clips = "\n".join(_clip(excerpt, clip, rate) for clip in row.clips)
    return f"""<section>
<h2>{escape(excerpt.genre.replace("_", " "))}</h2>
<p class="prompt">“{escape(excerpt.prompt)}”<br><span>{escape(facts)}</span></p>
<div class="row">
{clips}
</div>
</section>"""


def _clip(excerpt: Excerpt, clip: Clip, rate: int) -> str:
    name = file_name(excerpt, clip)
    seconds = clip.audio.shape[1] / rate
    said = "<br>".join(escape(fact) for fact in clip.facts)
    what = escape(f"Spectrogram: {excerpt.genre}, {clip.title}".replace("_", " "))
    return f"""<figure>
<img src="{PICTURES}/{name}.png" alt="{what}" width="{strip.WIDTH}" height="{strip.HEIGHT}">
<audio controls preload="none" src="{SOUNDS}/{name}.ogg"></audio>
<figcaption><b>{escape(clip.title)}</b> {seconds:.2f} s<br>{said}</figcaption>
</figure>"""
