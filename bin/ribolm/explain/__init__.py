"""What trained models look at: perturbed signals, attention, single substitutions, gradients."""
