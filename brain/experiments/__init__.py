"""Experiments as the engine runs them: defined, assigned, measured, ramped, decided."""
