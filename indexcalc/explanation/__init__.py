"""How an answer comes about: the derivation step by step, each step certified, and the reasons."""
