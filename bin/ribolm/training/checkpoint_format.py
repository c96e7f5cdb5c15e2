"""The version of what a checkpoint holds; part of every key."""

FORMAT_VERSION = 1  # raise by hand when old checkpoints can no longer be continued
