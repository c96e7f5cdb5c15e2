"""Pairs of RNAs that interact: tables of sequences with sites, and lists of verified targets."""
