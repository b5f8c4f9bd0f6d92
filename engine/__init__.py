"""The runtime: prompt, audio and transport in, audio out. Never imports torch.

Importing the package loads nothing heavy: the errors a caller catches, and the version. What does
the work is imported from its own module, for instance `from engine.session import Session`.
"""

from engine.errors import (
    AntiphonError,
    AudioFileError,
    BackendError,
    BackendMissing,
    BundleError,
    InputError,
    OptionError,
    PromptError,
    ShapeError,
    StoryError,
)

__version__ = "0.1.0"  # the one place; pyproject.toml reads it, CHANGELOG.md is compared with it

__all__ = [
    "AntiphonError",
    "AudioFileError",
    "BackendError",
    "BackendMissing",
    "BundleError",
    "InputError",
    "OptionError",
    "PromptError",
    "ShapeError",
    "StoryError",
    "__version__",
]
