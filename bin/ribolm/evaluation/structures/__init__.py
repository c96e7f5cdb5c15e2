"""What predicted secondary structures are worth: pairs found and missed, per RNA and pooled, predictions paired."""
