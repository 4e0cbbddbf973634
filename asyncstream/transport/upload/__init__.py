"""What one file takes to be sent: read in pieces, and framed as the body of a form."""
