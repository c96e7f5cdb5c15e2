"""Known secondary structures: pairs of bases, and the files that hold them."""
