"""Trainings: their log, and curves and choices from it."""
