"""Training on several devices and machines: the cluster, the strategy, and starting workers."""
