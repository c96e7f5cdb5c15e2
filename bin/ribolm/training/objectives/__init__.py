"""What a network is trained for: targets, losses and the metrics that are watched."""
