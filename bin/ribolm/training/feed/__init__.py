"""Which rows make up which step, as tokens; and the chance that goes with them."""
