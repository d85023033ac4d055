"""Offline evaluation: golden sets run against routes and prompt versions, graded and compared."""
