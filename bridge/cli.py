"""`antiphon`: the whole command line, the engine's commands, the bridge's and the plugin's.

The program starts here and not in the engine, because the engine knows nothing of the bridge
(ADR 0010). The plugin's commands know nothing of either; they are only handed on.
"""

from bridge.commands import keys, serve
from engine import main as run
from plugin_host.cli import app as plugin


def main() -> None:
    """Run the command that `sys.argv` names, and exit."""
    run(serve, keys, plugin=plugin)
