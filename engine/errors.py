"""Every error the runtime raises on purpose.

    AntiphonError
    ├── InputError            what a player typed, drew or pointed at
    │   ├── PromptError       a prompt that cannot be read
    │   ├── StoryError        a story file that cannot be played
    │   └── AudioFileError    an audio file that cannot be used
    ├── OptionError           an option out of its range, or options that contradict
    ├── ShapeError            an array of the wrong shape
    ├── DeviceError           a sound card or MIDI port that is missing or refuses
    ├── BundleError           a bundle that is missing, damaged or of another version
    └── BackendError          an inference library that is missing or fails
        └── BackendMissing    it is not installed; the message names the extra

A message says what, what was got, what was expected, and the next move. Callers catch
`AntiphonError`.
"""

_SHOWN = 200  # characters of what was got; it may be a whole file


class AntiphonError(Exception):
    """Base of everything raised on purpose; `str(error)` is fit to show to a player."""


class InputError(AntiphonError):
    """Something a player gave cannot be used."""


class PromptError(InputError):
    """A prompt cannot be read."""


class StoryError(InputError):
    """A story file cannot be played."""


class AudioFileError(InputError):
    """An audio file cannot be used."""


class OptionError(AntiphonError):
    """An option is out of its range, or two options contradict each other."""

    @classmethod
    def of(cls, name: str, got: object, expected: str, next_move: str = "") -> "OptionError":
        """Say which option, what it was, what it may be, and what to do."""
        shown = repr(got)
        if len(shown) > _SHOWN:
            shown = f"{shown[:_SHOWN]}..."
        return cls(f"{name} is {shown}, expected {expected}. {next_move}".strip())


class ShapeError(AntiphonError):
    """An array has the wrong shape."""

    @classmethod
    def of(
        cls, name: str, got: tuple[int, ...], expected: str, next_move: str = ""
    ) -> "ShapeError":
        """Say which array, its shape, the shape it should have, and what to do."""
        return cls(f"{name} has shape {got}, expected {expected}. {next_move}".strip())


class DeviceError(AntiphonError):
    """A sound card or a MIDI port is missing, or refuses."""


class BundleError(AntiphonError):
    """A bundle is missing, damaged or of another version."""


class BackendError(AntiphonError):
    """An inference library failed."""


class BackendMissing(BackendError):
    """An inference library is not installed."""
