"""What runs inside the DAW. Built in a later step; see README.md."""
