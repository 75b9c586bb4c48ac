"""Numbers only: series in, findings out. Knows no model, web or storage."""
