"""Drawing: looks, style and texts of figures, and the pictures that are drawn without a config entry."""
