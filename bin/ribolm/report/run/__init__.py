"""The run as a whole in words: methods and limits, filled with its parameters and versions."""
