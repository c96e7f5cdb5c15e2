"""Letters and motifs; later tokens and windows."""
