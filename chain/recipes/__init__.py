"""Dockerfiles for folders that have none: one module a language, each a few readable lines with cached layers and a
user that is not root."""
