"""Secondary structures predicted by a model with a pair map."""
