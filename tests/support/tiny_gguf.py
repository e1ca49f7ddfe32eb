"""A language model of a few kilobytes: real weights file, random weights.

It loads, tokenises and answers as any other does. What it says is nonsense, unless a grammar makes
it valid.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

_WIDTH, _HEADS, _INNER, _CONTEXT = 32, 2, 64, 8_192
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SPELT = {**{byte: chr(256 + byte) for byte in range(33)}, 127: chr(256 + 33)}
"""GPT-2 writes bytes that cannot be seen as other characters."""

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def tiny_gguf(path: Path, seed: int = 0) -> Path:
    """Write the model; the same bytes for the same seed."""
    writer = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    size = _vocabulary(writer)
    random = np.random.default_rng(seed)
    for name, shape in _shapes(size).items():
        plain = np.ones(shape) if "norm" in name else random.normal(0, 0.3, shape)
        writer.add_tensor(name, plain.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _vocabulary(writer: GGUFWriter) -> int:
    """One token for each character of ASCII, in GPT-2's spelling of bytes, and the special ones.

    With all bytes the model would say half characters, which no real one does.
    """
    tokens = [chr(byte) if 32 < byte < 127 else _SPELT[byte] for byte in range(128)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*tokens, "th", *_SPECIAL])
    kinds = [TokenType.NORMAL] * (len(tokens) + 1) + [TokenType.CONTROL] * len(_SPECIAL)
    writer.add_token_types(kinds)
    writer.add_token_merges(["t h"])  # the format wants one at least
    writer.add_bos_token_id(len(tokens) + 1)
    writer.add_eos_token_id(len(tokens) + 3)
    writer.add_chat_template(_TEMPLATE)
    return len(kinds)


def _shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    square = (_WIDTH, _WIDTH)
    return {
        "token_embd.weight": (vocabulary, _WIDTH),
        "output_norm.weight": (_WIDTH,),
        "output.weight": (vocabulary, _WIDTH),
        "blk.0.attn_norm.weight": (_WIDTH,),
        "blk.0.attn_q.weight": square,
        "blk.0.attn_k.weight": square,
        "blk.0.attn_v.weight": square,
        "blk.0.attn_output.weight": square,
        "blk.0.ffn_norm.weight": (_WIDTH,),
        "blk.0.ffn_gate.weight": (_INNER, _WIDTH),
        "blk.0.ffn_up.weight": (_INNER, _WIDTH),
        "blk.0.ffn_down.weight": (_WIDTH, _INNER),
    }
