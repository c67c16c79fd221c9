"""Drawing: looks, style and texts, and the pictures that no config names."""
