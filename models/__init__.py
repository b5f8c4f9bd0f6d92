"""The torch modules: codec, semantic tokenizer, MuLan towers, token language model."""
