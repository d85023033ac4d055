"""Scaling as the engine does it: policies, what they ask for now, the shadow log, changes."""
