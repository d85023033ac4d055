"""Streaming anomaly detection on any series of numbers over time."""
