"""The compiled tokenizer: texts to sentences of tokens that are numbers from the start."""
