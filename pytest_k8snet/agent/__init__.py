"""The program inside the probe pods: standard library only, Python >= 3.9, any uid, no capability, read-only root filesystem."""
