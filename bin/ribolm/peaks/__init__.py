"""Enriched bins and peaks of IP over input libraries, in exon space."""
