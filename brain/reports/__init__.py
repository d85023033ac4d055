"""Reports: the daily check and the latency report, as data, text, JSON and HTML."""
