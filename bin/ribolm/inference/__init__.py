"""Models applied: sites on genomes and sequences, scores of stored rows."""
