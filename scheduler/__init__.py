"""The scheduler: follows the chain, builds images, assigns jobs to agents, and shows what happens."""
