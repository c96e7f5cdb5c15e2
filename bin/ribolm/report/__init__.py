"""What a person reads: MultiQC sections, figures, genome tracks, methods text. Files in, files out."""
