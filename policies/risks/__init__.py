"""Says what a tool can do at worst."""
