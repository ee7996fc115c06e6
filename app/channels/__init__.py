"""Shoppers who write from elsewhere: what arrives, what is said back, and the post that loses neither."""
