"""Our own small backbone for windows: motifs, their strongest occurrence in short stretches, dilated convolutions."""
