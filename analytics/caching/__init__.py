"""Caching: what each eviction policy would have hit on a trace."""
