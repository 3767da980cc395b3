"""The provider's program: it claims jobs, runs their containers, meters them and is paid for them."""
