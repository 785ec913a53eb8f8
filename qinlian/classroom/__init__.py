"""The local classroom: folders, servers, worker, demo learners."""
