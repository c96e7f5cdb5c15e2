"""Libraries of MeRIP-seq: reads in peaks, enrichment, agreement, strandedness."""
