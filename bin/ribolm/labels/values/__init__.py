"""Measured values of whole sequences, such as ribosome load: tables and FASTA headers to token stores."""
