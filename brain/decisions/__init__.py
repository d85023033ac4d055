"""Pure rules: frozen facts in, a frozen decision with its reasons out."""
