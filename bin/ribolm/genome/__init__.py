"""Places on a genome: every file format becomes our types here, 0-based half-open with a strand."""
