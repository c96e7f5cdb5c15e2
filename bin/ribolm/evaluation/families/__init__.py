"""Whether likeness of embeddings tells RNA families apart, without training."""
