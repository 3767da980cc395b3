"""The database: tables, their versions, and what is asked of them."""
