"""Data sets of poly(A) sites: lists of sites on one anchor, negatives with the signal hexamers, windows, tokens."""
