"""The player's side of `antiphon live`: keys, MIDI, Link, the sound card and the status line, all
above the runner.
"""
