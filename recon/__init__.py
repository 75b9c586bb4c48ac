"""The ground floor: what a reconciliation is, and how its files are read."""
