"""A real multi-node Kubernetes cluster inside the network namespaces of one Linux machine."""
