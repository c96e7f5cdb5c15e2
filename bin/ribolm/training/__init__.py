"""One loop for every model: what is fed, what is minimised, what is saved. Knows no track."""
