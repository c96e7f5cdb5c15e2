"""ribolm: m6A sites, poly(A) sites and RNA language models as one pipeline."""
