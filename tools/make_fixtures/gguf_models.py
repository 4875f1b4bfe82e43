#!/usr/bin/env python3
"""Writes the models under tests/fixtures/pretrained_gguf, with transformers as the judge.

  pip install torch==2.13.0+cpu transformers==5.24.0 gguf==0.19.0
  python3 tools/make_fixtures/gguf_models.py          writes tests/fixtures/pretrained_gguf anew

NAME.gguf is a small random model in the conventions of llama.cpp's converter: its names and keys, the order of
rotary rows (llama), 1 added to the weights of norms (gemma3), turned matrices (gpt2), query, key and value
apart (gptneox), gate and up apart and experts in MXFP4 (gpt-oss). NAME.json has what transformers computes for
the same weights in float64 with eager attention: input_ids [2][8], logits [2][8][V] rounded to 6 decimals.

The weights are random: no norm is neutral and no bias zero, so that a reader that forgets one is caught.
Seeds are fixed: running it twice gives the same bytes.
"""

import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers as t

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "pretrained_gguf"
WEIGHTS_SEED, INPUT_SEED = 20273, 20274
VOCABULARY, CONTEXT = 48, 64
COMMON = {"vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT, "bos_token_id": 1, "eos_token_id": 2,
          "pad_token_id": None}
SMALL = {**COMMON, "hidden_size": 12, "intermediate_size": 16, "num_attention_heads": 4, "num_key_value_heads": 2}


def linear(ours, theirs):
    return [(f"{ours}.weight", f"{theirs}.weight"), (f"{ours}.bias", f"{theirs}.bias")]


LLAMA_ENDS = [("model.embed_tokens.weight", "token_embd.weight"), ("model.norm.weight", "output_norm.weight"),
              ("lm_head.weight", "output.weight")]
LLAMA_ATTENTION = (linear("self_attn.q_proj", "attn_q") + linear("self_attn.k_proj", "attn_k") +
                   linear("self_attn.v_proj", "attn_v") + linear("self_attn.o_proj", "attn_output") +
                   linear("input_layernorm", "attn_norm"))
LLAMA_MLP = (linear("mlp.gate_proj", "ffn_gate") + linear("mlp.up_proj", "ffn_up") +
             linear("mlp.down_proj", "ffn_down"))


class Case:
    """A model of transformers, and how the converter writes it."""

    layers = "model.layers."
    ends = LLAMA_ENDS
    block = []

    def __init__(self, name, kind, config):
        self.name, self.kind, self.config = name, kind, config

    def keys(self, add):
        """Beside the architecture; add(key, value) puts the architecture in front."""
        c = self.config
        add("embedding_length", c.hidden_size)
        add("block_count", c.num_hidden_layers)
        add("context_length", c.max_position_embeddings)
        add("feed_forward_length", getattr(c, "n_inner", None) or c.intermediate_size)
        add("attention.head_count", c.num_attention_heads)

    def llama_keys(self, add):
        Case.keys(self, add)
        add("attention.head_count_kv", self.config.num_key_value_heads)
        add("attention.layer_norm_rms_epsilon", self.config.rms_norm_eps)
        add("attention.key_length", self.config.head_dim)

    def tensors(self, name, values):
        """The tensors of the file, (name, numbers), for one of transformers'; `name` is that of the file."""
        yield name, values


class Llama(Case):
    block = LLAMA_ATTENTION + LLAMA_MLP + linear("post_attention_layernorm", "ffn_norm")

    def keys(self, add):
        self.llama_keys(add)
        add("rope.freq_base", self.config.rope_parameters["rope_theta"])

    def tensors(self, name, values):
        heads = {"attn_q": self.config.num_attention_heads, "attn_k": self.config.num_key_value_heads}
        for projection, count in heads.items():
            if f".{projection}." in name:  # the pairs (i, i + D / 2) become neighbours
                halves = values.reshape(count, 2, -1, *values.shape[1:])
                values = halves.transpose(1, 2).reshape(values.shape)
        yield name, values


class Gemma3(Case):
    block = (LLAMA_ATTENTION + LLAMA_MLP + linear("self_attn.q_norm", "attn_q_norm") +
             linear("self_attn.k_norm", "attn_k_norm") + linear("post_attention_layernorm", "post_attention_norm") +
             linear("pre_feedforward_layernorm", "ffn_norm") + linear("post_feedforward_layernorm", "post_ffw_norm"))

    def keys(self, add):
        self.llama_keys(add)
        add("rope.freq_base", self.config.rope_parameters["full_attention"]["rope_theta"])
        add("attention.sliding_window", self.config.sliding_window)

    def tensors(self, name, values):
        yield name, values + 1.0 if "norm" in name else values


class Gpt2(Case):
    layers = "transformer.h."
    ends = [("transformer.wte.weight", "token_embd.weight"), ("transformer.wpe.weight", "position_embd.weight"),
            *linear("transformer.ln_f", "output_norm")]
    block = (linear("ln_1", "attn_norm") + linear("ln_2", "ffn_norm") + linear("attn.c_attn", "attn_qkv") +
             linear("attn.c_proj", "attn_output") + linear("mlp.c_fc", "ffn_up") + linear("mlp.c_proj", "ffn_down"))

    def keys(self, add):
        super().keys(add)
        add("attention.layer_norm_epsilon", self.config.layer_norm_epsilon)

    def tensors(self, name, values):
        turned = any(part in name for part in ("attn_qkv.weight", "attn_output.weight", "ffn_up.weight",
                                               "ffn_down.weight"))
        yield name, values.T if turned else values


class GptNeox(Case):
    layers = "gpt_neox.layers."
    ends = [("gpt_neox.embed_in.weight", "token_embd.weight"), ("lm_head.weight", "output.weight"),
            *linear("gpt_neox.final_layer_norm", "output_norm")]
    block = (linear("input_layernorm", "attn_norm") + linear("post_attention_layernorm", "ffn_norm") +
             linear("attention.query_key_value", "attn_qkv") + linear("attention.dense", "attn_output") +
             linear("mlp.dense_h_to_4h", "ffn_up") + linear("mlp.dense_4h_to_h", "ffn_down"))

    def keys(self, add):
        super().keys(add)
        c = self.config
        share = c.rope_parameters["partial_rotary_factor"]
        add("rope.dimension_count", int(share * (c.hidden_size // c.num_attention_heads)))
        add("use_parallel_residual", c.use_parallel_residual)
        add("attention.layer_norm_epsilon", c.layer_norm_eps)

    def tensors(self, name, values):
        if "attn_qkv" in name:
            by_head = values.reshape(self.config.num_attention_heads, 3, -1, *values.shape[1:])
            values = by_head.transpose(0, 1).reshape(values.shape)
        yield name, values


class GptOss(Case):
    block = (LLAMA_ATTENTION + linear("post_attention_layernorm", "post_attention_norm") +
             linear("mlp.router", "ffn_gate_inp") +
             [("self_attn.sinks", "attn_sinks.weight"),
              ("mlp.experts.gate_up_proj", "ffn_gate_up_exps.weight"),
              ("mlp.experts.gate_up_proj_bias", "ffn_gate_up_exps.bias"),
              ("mlp.experts.down_proj", "ffn_down_exps.weight"),
              ("mlp.experts.down_proj_bias", "ffn_down_exps.bias")])

    def keys(self, add):
        self.llama_keys(add)
        c, rope = self.config, self.config.rope_parameters
        add("rope.freq_base", rope["rope_theta"])
        add("attention.sliding_window", c.sliding_window)
        add("expert_count", c.num_local_experts)
        add("expert_used_count", c.num_experts_per_tok)
        add("expert_feed_forward_length", c.intermediate_size)
        add("rope.scaling.type", "yarn")
        add("rope.scaling.factor", rope["factor"])
        add("rope.scaling.original_context_length", rope["original_max_position_embeddings"])

    def tensors(self, name, values):
        if "exps.weight" in name:
            values = values.transpose(1, 2)  # [E, out, in]
        if "gate_up" in name:
            yield name.replace("gate_up", "gate"), values[:, ::2]
            yield name.replace("gate_up", "up"), values[:, 1::2]
        else:
            yield name, values


def cases():
    yield Llama("llama", t.LlamaForCausalLM, t.LlamaConfig(
        **SMALL, num_hidden_layers=2, head_dim=6, tie_word_embeddings=False))
    # Six layers, because which of them sees everything is no part of the file; and neither is what
    # queries are scaled by.
    yield Gemma3("gemma3", t.Gemma3ForCausalLM, t.Gemma3TextConfig(
        **SMALL, num_hidden_layers=6, head_dim=6, query_pre_attn_scalar=6, sliding_window=4,
        layer_types=["sliding_attention"] * 5 + ["full_attention"]))
    yield Gpt2("gpt2", t.GPT2LMHeadModel, t.GPT2Config(
        vocab_size=VOCABULARY, n_embd=12, n_layer=2, n_head=3, n_positions=CONTEXT, n_inner=48, bos_token_id=1,
        eos_token_id=2))
    yield GptNeox("gptneox", t.GPTNeoXForCausalLM, t.GPTNeoXConfig(
        **COMMON, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=16,
        rope_parameters={"rope_theta": 1e4, "rope_type": "default", "partial_rotary_factor": 0.5}))
    # 32: the block of MXFP4.
    yield GptOss("gpt-oss", t.GptOssForCausalLM, t.GptOssConfig(
        **{**SMALL, "hidden_size": 32, "intermediate_size": 32}, num_hidden_layers=2, head_dim=8, sliding_window=4,
        num_local_experts=3, num_experts_per_tok=2, layer_types=["sliding_attention", "full_attention"],
        rope_parameters={"rope_theta": 1e4, "rope_type": "yarn", "factor": 4.0, "beta_fast": 32.0, "beta_slow": 1.0,
                         "truncate": False, "original_max_position_embeddings": 16}))


def randomise(model):
    """Every parameter in the order of its name, from one generator; those of experts as MXFP4 can say them."""
    random = torch.Generator().manual_seed(WEIGHTS_SEED)
    for name, parameter in sorted(model.named_parameters()):
        value = torch.randn(parameter.shape, generator=random)
        if parameter.dim() == 1 and name.endswith("weight"):
            value = parameter.detach() + 0.2 * value  # norms are initialised to what is neutral
        elif not name.endswith("sinks"):
            value = 0.35 * value
        if name.endswith(("gate_up_proj", "down_proj")) and "experts" in name:
            turned = value.transpose(1, 2).contiguous()
            value = torch.from_numpy(gguf.dequantize(packed(turned), gguf.GGMLQuantizationType.MXFP4))
            value = value.reshape(turned.shape).transpose(1, 2)
        parameter.data.copy_(value)


def packed(values):
    return gguf.quantize(values.numpy(), gguf.GGMLQuantizationType.MXFP4)


def file_name(case, name):
    for ours, theirs in case.ends:
        if name == ours:
            return theirs
    number, rest = name.removeprefix(case.layers).split(".", 1)
    return f"blk.{number}.{dict(case.block)[rest]}"


def write(case, model):
    writer = gguf.GGUFWriter(FOLDER / f"{case.name}.gguf", case.name)

    def add(key, value):
        add_value = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32,
                     str: writer.add_string}[type(value)]
        add_value(f"{case.name}.{key}", value)

    case.keys(add)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for name, parameter in model.named_parameters():  # without the output matrix where it is tied
        for theirs, values in case.tensors(file_name(case, name), parameter.detach()):
            values = values.contiguous().float()
            if theirs.endswith("exps.weight"):
                writer.add_tensor(theirs, packed(values), raw_dtype=gguf.GGMLQuantizationType.MXFP4)
            else:
                writer.add_tensor(theirs, values.numpy().astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def reference(model):
    random = torch.Generator().manual_seed(INPUT_SEED)
    batch = torch.randint(3, VOCABULARY, (2, 8), generator=random)
    logits = model(batch, use_cache=False).logits
    rows = [[[round(value, 6) for value in row] for row in text] for text in logits.double().tolist()]
    return {"transformers": t.__version__, "torch": torch.__version__, "gguf": "0.19.0", "seed": WEIGHTS_SEED,
            "input_ids": batch.tolist(), "logits": rows}


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    t.logging.set_verbosity_error()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for case in cases():
        case.config._attn_implementation = "eager"
        case.config._experts_implementation = "eager"
        model = case.kind(case.config).eval()
        randomise(model)
        write(case, model)
        single = reference(model)
        found = reference(model.double())
        doubt = (torch.tensor(found["logits"]) - torch.tensor(single["logits"])).abs().max().item()
        (FOLDER / f"{case.name}.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")
        size = (FOLDER / f"{case.name}.gguf").stat().st_size
        print(f"{case.name:8} {size:7} bytes, float32 differs by {doubt:.1e}")


if __name__ == "__main__":
    main()
