"""Says why a call is decided as it is."""
