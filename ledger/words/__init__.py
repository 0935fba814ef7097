"""Says in plain words what the history holds, and lays it out for a terminal."""
