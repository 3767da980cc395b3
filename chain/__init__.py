"""All that talks to the chain and to IPFS: the protocol's types, signatures, transactions, bundles."""
