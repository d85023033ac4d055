"""Guard: personal data found and masked, attacks and abuse recognised, what a policy then does."""
