"""Brain Console: watch, price and steer a platform that runs on language models."""

__version__ = "0.1.0"
