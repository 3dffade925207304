"""The cluster: the only importer of the `kubernetes` client. Plain dicts in, raw JSON out."""
