"""What a run leaves on the disk to go on from: whole, verified, one writer at a time."""
