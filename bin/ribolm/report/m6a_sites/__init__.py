"""Single m6A sites: how far their labels can be trusted, and what scores of them are worth."""
