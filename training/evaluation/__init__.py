"""What the model can do, measured: estimators, the judge, held-out prompts and the report."""
