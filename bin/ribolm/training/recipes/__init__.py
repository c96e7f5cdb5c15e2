"""What a command trains: pretraining, fine-tuning, cross-prediction, put together from options."""
