"""Networks over token sequences: encoder, heads, presets, and the weight directories they live in."""
