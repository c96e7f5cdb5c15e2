"""The one place where the version of ribolm stands (PEP 440 form of the pipeline's `0.1.0dev`)."""

__version__ = "0.1.0.dev0"
