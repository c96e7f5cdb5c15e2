"""What every section is drawn with: files for MultiQC, colours, the look of figures, letters, framed numbers."""
