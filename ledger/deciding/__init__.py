"""From a command to its events, by what is so at that moment. Pure."""
