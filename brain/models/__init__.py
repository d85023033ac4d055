"""Models of the platform: catalogue, measured figures, router, and their evaluation on files."""
