"""Does what is due when its time comes, and knows what waits."""
