"""Optimization as pure rules: what to do, whether it helped, what was learned."""
