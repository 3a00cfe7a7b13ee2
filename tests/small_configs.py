"""A tiny configuration of any architecture: of its own fields the widths, layers, heads and vocabulary made small."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from transformers import BertConfig, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

VOCABULARY = 64
SPECIALS = 12  # ids from here on are words
LAYERS = (
    r"(num_|n_)?(hidden_|encoder_|decoder_|global_|transformer_|local_)*(layers?|blocks?)|depth|num_layers_per_stack"
)

# What the whole name of a field matches first gives its value, where the value is larger.
RULES: list[tuple[str, int]] = [
    (r"(.*_)?vocab_size(_.*)?", VOCABULARY),
    (r".*(max_position_embeddings|max_(source|target)_positions|n_positions|n_ctx|max_seq_len|max_position)", 64),
    (r".*(sliding_window|local_attention|attention_window|window_size|attention_chunk_size|sliding_window_size)", 4),
    (r"num_kv_shared_layers", 0),
    (r"(n|mamba_n|num)_?(expert_)?groups?|topk_group|mamba_ngroups", 1),
    (r"qk_head_dim", 16),
    (r"rotary_dim", 4),
    (r".*(kv_heads|key_value_heads|num_key_heads|num_value_heads)", 2),
    (r"(.*head_dim|d_kv|d_head|dim_head|kv_channels|attention_head_size|mamba_d_head)", 8),
    (r".*heads?", 4),
    (r"(n_routed_|num_|moe_num_|num_local_)experts", 4),
    (r".*(experts_per_tok(en)?|moe_topk?|moe_k|top_k_experts)|top_?k", 2),
    (r"(mamba_)?chunk_size", 8),
    (r".*lora_rank", 8),
    (r".*(intermediate_size|ffn_dim|hidden_dim|d_ff|dff|n_inner|d_inner|ffn_hidden_size|dim_ff)", 48),
    (
        r"hidden_size(_global)?|adapter_(in|out)_dim|adapter_input_size|d_model|n_embd|dim|emb_dim|embed_dim|.*hidden_size|.*embed_proj_dim|embedding_size",
        32,
    ),
]

# Fields that some configurations leave open and their models do not.
UNSET = {
    "head_dim": 8,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "num_key_value_heads": 4,
    "pad_token_id": 1,
}

# What the rules leave large, or what an architecture demands of its own fields.
_MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_chunk_size": 8}
_ROPE = {"rope_type": "default", "rope_theta": 10000.0}
OWN: dict[str, dict[str, Any]] = {
    "bamba": {**_MAMBA, "attn_layer_indices": [1]},
    "blt": {"encoder_hash_byte_group_vocab": 50, "encoder_hash_byte_group_size": [3]},
    "encoder-decoder": {
        "decoder": BertConfig(
            vocab_size=VOCABULARY,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=48,
            is_decoder=True,
            add_cross_attention=True,
        )
    },
    "cohere_compass_text": {"rope_parameters": {"full_attention": _ROPE, "sliding_attention": _ROPE}},
    "dbrx": {"attn_config": {"kv_n_heads": 2, "rope_theta": 10000.0, "clip_qkv": 8.0}},
    "dots1": {"n_shared_experts": 1},
    "dots3_note_text": {"per_layer_config": {2: {"head_dim": 16}}},
    "esm": {"vocab_size": VOCABULARY, "mask_token_id": 4, "pad_token_id": 1},
    "esmc": {"num_key_value_heads": 4},
    "falcon_h1": {**_MAMBA, "mamba_d_ssm": 64},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "num_layers": 2},
    "granitemoehybrid": {**_MAMBA, "layer_types": ["mamba", "attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "funnel": {"block_sizes": [1, 1], "block_repeats": [1, 1]},
    "longt5": {"local_radius": 3, "global_block_size": 4},
    "mobilebert": {"classifier_activation": False, "intra_bottleneck_size": 32},
    "pegasus_x": {"block_size": 4, "num_global_tokens": 4},
    "mamba2": {"num_heads": 8, "head_dim": 8},
    "neomme": {"head_dim": 16},
    "perceiver": {"num_latents": 4, "d_latents": 32, "num_self_attends_per_block": 1},
    "reformer": {"axial_pos_embds_dim": [8, 24], "axial_pos_shape": [8, 8], "attn_layers": ["local", "lsh"]},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1},
    "qwen4_exp_text": {
        "indexer_n_heads": 2,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 8,
        "indexer_budget": 64,
        "indexer_compress_ratio": 2,
        "ngram_vocab_size_base": 50,
        "eos_token_id": 3,
        "ple_layer_ids": [1],
    },
    "recurrent_gemma": {"block_types": ["recurrent", "attention"]},
    "t5": {"decoder_start_token_id": 0},
    "xmod": {"default_language": "en_XX"},
    "zamba": {
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
        "layers_block_type": ["linear_attention", "hybrid"] * 2,
        "num_hidden_layers": 4,
    },
}


def _least(name: str, value: Any) -> Any:
    """A field's value, or what the rules say where that is less."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return min(value, next((number for pattern, number in RULES if re.fullmatch(pattern, name)), value))


def small(config: PreTrainedConfig) -> PreTrainedConfig:
    """A configuration of the same class with everything small."""
    plain = config.to_dict()
    fields = [field.name for field in dataclasses.fields(config) if field.init]
    # Where keys and values come from one low rank, every head has its own.
    own = ({"num_key_value_heads": 4} if "kv_lora_rank" in fields else {}) | OWN.get(config.model_type, {})
    count = next(
        (
            plain[name]
            for name in ("num_hidden_layers", *fields)
            if re.fullmatch(LAYERS, name) and isinstance(plain.get(name), int)
        ),
        0,
    )
    lists = {
        name: plain[name] for name in fields if isinstance(plain.get(name), list) and len(plain[name]) == count > 2
    }
    # One layer of each kind, at least two.
    kinds = list(zip(*lists.values(), strict=True))
    picks = sorted({kinds.index(kind) for kind in kinds})[:4] or [0]
    if len(picks) < 2:
        picks.append(max(1, picks[0] + 1))
    values: dict[str, Any] = {}
    specials = 0
    for name in fields:
        value, nested = (
            plain[name] if name in plain else getattr(config, name, None),
            getattr(config, name, None) if name in (config.sub_configs or {}) else None,
        )
        if name in own:
            pass
        elif isinstance(nested, PreTrainedConfig):
            values[name] = small(nested)
        elif value is None and name in UNSET:
            values[name] = UNSET[name]
        elif isinstance(value, bool):
            pass
        elif name in lists:
            values[name] = [_least(name, lists[name][i]) for i in picks]
        elif re.fullmatch(r".*(_token)?_(id|index)", name) and (isinstance(value, int | list)):
            specials = min(specials + 1, SPECIALS - 1)
            values[name] = specials
        elif isinstance(value, int) and re.fullmatch(LAYERS, name):
            values[name] = min(value, len(picks))
        elif _least(name, value) != value:
            values[name] = _least(name, value)
    return type(config)(**values | own)


def tiny_config(model_type: str) -> PreTrainedConfig:
    """The configuration of an architecture with everything small."""
    return small(CONFIG_MAPPING[model_type]())
