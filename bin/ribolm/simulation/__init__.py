"""Small inputs with known truth, the same bytes for the same seed."""
