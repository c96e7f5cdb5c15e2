"""m6A peaks: the numbers to read first, lengths and regions, the motif in them, their place along transcripts."""
