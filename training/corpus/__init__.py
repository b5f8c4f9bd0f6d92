"""The music that the models learn from: composed, rendered and labelled by this project."""
