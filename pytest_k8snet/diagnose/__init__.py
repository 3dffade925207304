"""From failing cells to what they have in common."""
