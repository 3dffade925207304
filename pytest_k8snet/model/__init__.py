"""Values only. Imports nothing of ours."""
