"""Being a provider on-chain: bond and rates, reports, evidence, earnings."""
