"""What scores of whole windows are worth, and the models without a language model that they have to beat."""
