"""Where the bundle is: the one named, else the environment's, else the default beside the code."""

from pathlib import Path
from typing import Final

import engine
from engine.errors import BundleError

VARIABLE: Final = "ANTIPHON_BUNDLE"


def bundle_folder(named: Path | None) -> Path:
    """The folder to open; typer has put `VARIABLE` into `named` if the option was not given.

    Raises:
        BundleError: what was named is not there, or none was named and there is no default.
    """
    if named is not None:
        try:
            named.stat()
        except OSError as exc:
            raise BundleError(
                f"bundle {named} cannot be opened ({exc.strerror}), expected a folder."
            ) from exc
        return named
    # bundles/ lies beside engine/, in a checkout as in an installed wheel (ADR 0004).
    default = Path(engine.__file__).resolve().parents[1] / "bundles" / "default"
    if not default.is_dir():
        raise BundleError(
            f"there is no default bundle at {default}. Name one with --bundle or {VARIABLE}."
        )
    return default
