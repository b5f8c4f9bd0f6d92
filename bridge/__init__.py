"""Sockets and bytes between the engine and whoever plays it. `bridge.client` is the way in from
Python, `antiphon serve` the program; see bridge/README.md.
"""
