"""Predicted values against measured ones: explained variance, rank correlation, strata, and the floors."""
