"""`antiphon`: the whole command line, the engine's commands and the bridge's.

The program starts here and not in the engine, because the engine knows nothing of the bridge
(ADR 0010).
"""

from bridge.commands import keys, serve
from engine import main as run


def main() -> None:
    """Run the command that `sys.argv` names, and exit."""
    run(serve, keys)
