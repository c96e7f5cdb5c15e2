"""The loop: from a step's batches to changed weights, and the stay of a process in a checkpoint folder."""
