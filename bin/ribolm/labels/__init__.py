"""Truth about sequences, aligned with their tokens: sites, evidence, what is unknown, folds."""
