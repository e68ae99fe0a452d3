"""Equipment from the confirmed request to the accepted proof, and back to the shelf."""
