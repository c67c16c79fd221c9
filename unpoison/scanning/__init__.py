"""What a scan finds: from detectors' scores to a verdict, lists of rows and the content of its page."""
