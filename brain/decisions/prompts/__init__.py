"""Prompts as pure rules: a template without code, and the inputs that it may take."""
