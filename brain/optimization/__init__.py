"""Optimization as the engine does it: read, plan, act through an actuator, measure, take back."""
