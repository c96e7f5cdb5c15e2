"""What predictions of RNA-RNA interactions are worth: where a target is bound, and which targets are bound."""
