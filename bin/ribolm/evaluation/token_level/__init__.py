"""What scores of single bases of whole genes are worth: exactly, and where a site may be missed by some bases."""
