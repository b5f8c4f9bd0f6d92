"""The commands of `antiphon`, one file each; `engine.cli` puts them together. The top of the
engine.
"""
