"""The instructors' pages, a service of the Hub: overview, report, marking, release, extensions, guide."""
