"""What figures are drawn with: looks, style and texts, and the pictures that no config names."""
