"""What the user lists in a table: rows become libraries, pairs and lanes."""
