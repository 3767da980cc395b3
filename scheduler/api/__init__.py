"""The HTTP API, described by OpenAPI; bodies are those of `chain.wire`."""
