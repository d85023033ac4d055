"""Costs: the price book's changes, re-pricing, breakdowns and what drove a change."""
