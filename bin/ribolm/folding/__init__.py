"""Folding by thermodynamics: what other programs compute of sequences alone, behind functions of one form."""
