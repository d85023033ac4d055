"""What scaling needs to know about load and service, as pure numbers."""
