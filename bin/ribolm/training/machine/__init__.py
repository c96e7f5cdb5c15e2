"""What a run is computed on: device, number format, memory, processes, signals."""
