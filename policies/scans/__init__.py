"""Says what is wrong with servers and their tools, and writes a first policy for them."""
