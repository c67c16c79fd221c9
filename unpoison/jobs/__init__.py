"""The jobs of the workflow: how one starts, and the warm process that saves it its imports."""
