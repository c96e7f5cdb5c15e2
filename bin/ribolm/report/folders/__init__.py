"""What other commands wrote, read and checked: for sections of more than one room."""
