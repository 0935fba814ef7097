"""Has Placet decide on what an agent does by tools of its own: `placet hook`."""
