"""Sentences made from a shop's own knowledge: said otherwise but faithfully, or with one error planted in them."""
