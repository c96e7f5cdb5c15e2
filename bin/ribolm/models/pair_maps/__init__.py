"""Secondary structure as a map over pairs of bases: a head of two-dimensional convolutions on any backbone."""
