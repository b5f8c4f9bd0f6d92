"""Sounds that are no music: short clips by which the codec learns to survive any audio."""
