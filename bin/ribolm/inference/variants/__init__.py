"""What variants do to the candidates around them."""
