"""What the program proposes while somebody labels."""
