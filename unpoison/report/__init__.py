"""The report: one page that opens offline, with findings in words, figures, an interactive view and tables."""
