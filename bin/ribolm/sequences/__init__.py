"""Letters to token arrays on disk: tokenizers, tiles over genes, the token store."""
