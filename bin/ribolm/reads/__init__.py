"""Fragments over places: what the alignments of a library say about exons and bins."""
