"""Evidence about a ranking of words: is it faithful to the model, alike other rankings, plausible to a person?

Pure functions and generators: what needs F of an edited text asks for it and is sent the number.
"""
