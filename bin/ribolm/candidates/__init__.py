"""Where a poly(A) site could be: an A after C or G with a signal hexamer upstream, on both strands of a genome."""
