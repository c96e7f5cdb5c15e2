"""HyenaDNA: configuration, long filters, backbone, and what published files call its weights."""
