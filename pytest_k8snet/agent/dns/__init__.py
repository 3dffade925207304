"""DNS without a library: wire format, stub resolver, and the tiny server of pods with dnsPolicy None."""
