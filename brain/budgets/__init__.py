"""Budgets as the engine keeps them: stored, measured, reserved against, checked."""
