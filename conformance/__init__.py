"""The suite: requirements as data, the documented matrix, and one short test per requirement."""
