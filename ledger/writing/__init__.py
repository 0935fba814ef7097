"""The one way into the history: commands wait, are settled together, stored and told."""
