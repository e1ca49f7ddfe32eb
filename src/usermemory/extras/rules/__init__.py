"""An extractor and a chat bot without a model: what people say of themselves, by rules, in English.

For the demo, for tests, and for running without a key. It learns less than a language model and
is meant to: what no rule names is not learned, so that what it learns is what was said.
"""
