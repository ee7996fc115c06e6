"""Does the way to a publish notice harm, and leave harmless edits alone? Generated mutations of shop folders."""
