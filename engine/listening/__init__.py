"""What the engine hears: tokens, loudness, copies, tempo, beat, key and style of what is played to
it, one frame of 40 ms at a time.

Every part is `init_state` and a pure step; a state is a `NamedTuple` of arrays that are never
written to, so keeping one is a branch point, and `kept` writes it as named arrays.
"""
