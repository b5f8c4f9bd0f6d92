"""How the weights are made: corpus, losses, loops, evaluation."""
