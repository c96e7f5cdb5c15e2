"""Candidates of a whole genome scored by a model of windows, and the calls that are made of the scores."""
