"""What the frame loop is made of: the inbox, the ways between the host's audio and the performer's,
the policy under pressure, and the workers for what is too slow for a frame. `engine.runner` puts
them together.
"""
