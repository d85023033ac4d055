"""Scaling: what Kubernetes' autoscalers would decide, and what bounds them."""
