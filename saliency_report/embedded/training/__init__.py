"""How the embedded models were trained; run to make them again, never imported by the program.

Each script prints the figures that its model's card quotes.
"""
