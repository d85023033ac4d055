"""Routing: what a choice among models is worth, from scores of prompts on each model. Pure."""
