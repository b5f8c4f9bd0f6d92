"""A page to listen to: held-out music, what the codec keeps of it, and what a bundle plays for the
same words."""
