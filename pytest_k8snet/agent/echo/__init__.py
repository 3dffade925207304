"""The echo server that every agent runs, and the words that client and server exchange."""
