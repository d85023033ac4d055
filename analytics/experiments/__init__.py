"""Experiments from sufficient statistics: effects, readings, health, power. Pure."""
