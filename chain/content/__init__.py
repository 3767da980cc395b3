"""The embedded content store: Kubo's CIDs and the needed part of its RPC, without its network."""
