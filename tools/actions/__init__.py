"""The one door out: adapters that do an approved action and bring back its receipt."""
