"""Carries policy files of PolicyLayer Intercept over into policies of Placet."""
