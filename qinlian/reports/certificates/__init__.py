"""Certificates: who has earned one, its number, its signature, its PDF, and how anybody checks it."""
