"""The result of a scan: from detectors' scores to a verdict, lists of rows and the content of its page."""
