"""Plan in, recording out. Collecting never judges."""
