"""What happens, as it is kept for ever: the facts, and the envelopes round them."""
