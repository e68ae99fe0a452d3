"""Setting up a hospital from spreadsheets: what each sheet holds, how it is read, and what its rows do."""
