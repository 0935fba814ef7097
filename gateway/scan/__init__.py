"""Looks at servers before they are put behind Placet: `placet scan`."""
