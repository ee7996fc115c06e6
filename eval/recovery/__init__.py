"""Whether drafted rows bring back what a shop's knowledge lacks: hidden rows, simulated chats, answers by people."""
