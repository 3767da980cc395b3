"""The consumer's command line, `draas`, and the whole market on one machine. Imports only `chain`."""
