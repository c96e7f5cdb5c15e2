"""Poly(A) sites: sets of windows, one file for each evaluation of models, scans of genomes, what models look at."""
