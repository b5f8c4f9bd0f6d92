"""What the plugin's commands say when they cannot do what was asked.

PluginError      one line for the player, with the next move; exit status 2
└── Missing      something has to be installed first
"""


class PluginError(Exception):
    """Something was not done; the message says what, why and the next move."""


class Missing(PluginError):
    """A program, a library or the plugin itself is not there."""
