"""Reading what a player typed: the parts of `engine.prompt_parser`, and keys for stories and
commands.
"""
