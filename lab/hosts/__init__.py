"""Programs of the lab's hosts outside the cluster, run in their own network namespaces."""
