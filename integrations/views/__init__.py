"""Pages of the integrations room."""
