"""RNA language models: structures, embeddings, what models know without training, measured values."""
