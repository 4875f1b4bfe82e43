#!/usr/bin/env python3
"""Writes the checkpoints under tests/fixtures/pretrained, with transformers as the judge.

  pip install torch==2.13.0+cpu transformers==5.24.0
  python3 tools/make_fixtures/pretrained.py          writes tests/fixtures/pretrained anew

One folder a case of CASES: config.json, model.safetensors (float32) and reference.json, which has what
transformers computes for these weights in float64 with eager attention, rounded to 6 decimals:

  input_ids [2][8], logits [2][8][64], mean_nll    nats, of the next token
  greedy_ids [12]                                   what follows the first four ids of row 0, one by one
  layers[]    type; and where it attends, for each query head the means over both rows and all positions of
              the gate (gate_mean) and of the weight of position 0 (mean_attn_pos0)

The gate is 1 - A[t, 0]; with sinks the weight that the sink does not take; in Qwen3-Next and Qwen3.5 the
explicit gate, averaged over a head's channels. The folder llama also has a tokenizer.json of 64 tokens, by the
tokenizers library.

The weights are random: no norm is neutral and no bias zero, so that a reader that forgets one is caught.
Seeds are fixed: running it twice gives the same bytes.
"""

import json
import shutil
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, processors

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "pretrained"
WEIGHTS_SEED, INPUT_SEED = 20271, 20272
VOCABULARY, WIDTH, HEADS, KEY_HEADS, HEAD_SIZE, LAYERS, CONTEXT = 64, 24, 4, 2, 8, 2, 64

COMMON = {"vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": 16, "num_hidden_layers": LAYERS,
          "num_attention_heads": HEADS, "num_key_value_heads": KEY_HEADS, "max_position_embeddings": CONTEXT,
          "head_dim": HEAD_SIZE, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None}
LINEAR = {"layer_types": ["linear_attention", "full_attention"], "linear_num_key_heads": 2,
          "linear_key_head_dim": 4, "linear_num_value_heads": 4, "linear_value_head_dim": 4,
          "linear_conv_kernel_dim": 4}


def rope(base=1e4, kind="default", **more):
    return {"rope_theta": base, "rope_type": kind, **more}


def case(model, config, **members):
    return getattr(transformers, model), getattr(transformers, config)(**{**COMMON, **members})


# What each one is there for stands beside it.
def cases():
    t = transformers
    yield "llama", case("LlamaForCausalLM", "LlamaConfig", tie_word_embeddings=True)  # grouped heads, tied
    # 4 channels keep their frequency, are blended, or turn slower: 32 positions of 2 pi / frequency.
    yield "llama3_rope", case(
        "LlamaForCausalLM", "LlamaConfig", tie_word_embeddings=True,
        rope_parameters=rope(100.0, "llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
                             original_max_position_embeddings=32))
    yield "mistral", case("MistralForCausalLM", "MistralConfig", sliding_window=4)
    yield "qwen2", case("Qwen2ForCausalLM", "Qwen2Config", tie_word_embeddings=True)  # biases on query, key and value
    yield "qwen3", case("Qwen3ForCausalLM", "Qwen3Config", head_dim=10)  # norms of heads
    yield "gemma3", case(
        "Gemma3ForCausalLM", "Gemma3TextConfig", query_pre_attn_scalar=12, sliding_window=4,
        layer_types=["sliding_attention", "full_attention"])
    yield "gpt2", (t.GPT2LMHeadModel, t.GPT2Config(
        vocab_size=VOCABULARY, n_embd=WIDTH, n_layer=LAYERS, n_head=3, n_positions=CONTEXT, n_inner=32,
        bos_token_id=1, eos_token_id=2))
    yield "gpt_neox", (t.GPTNeoXForCausalLM, t.GPTNeoXConfig(
        vocab_size=VOCABULARY, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=3,
        intermediate_size=32, max_position_embeddings=CONTEXT, bos_token_id=1, eos_token_id=2,
        rope_parameters=rope(partial_rotary_factor=0.5)))
    yield "gpt_oss", case(
        "GptOssForCausalLM", "GptOssConfig", sliding_window=4, num_local_experts=3,
        num_experts_per_tok=2, intermediate_size=8, layer_types=["sliding_attention", "full_attention"],
        rope_parameters=rope(1e4, "yarn", factor=4.0, beta_fast=4.0, beta_slow=1.0, truncate=False,
                             original_max_position_embeddings=16))
    # Factors on embedding and scores, a window, and a layer without rotation.
    yield "granite_swa", case(
        "GraniteSWAForCausalLM", "GraniteSWAConfig", sliding_window=4, attention_bias=True, mlp_bias=True,
        layer_types=["sliding_attention", "full_attention"], layer_rope_theta=[1e3, 0.0],
        embedding_multiplier=1.5, attention_multiplier=0.3)
    yield "qwen3_next", case(
        "Qwen3NextForCausalLM", "Qwen3NextConfig", **LINEAR, num_experts=3, num_experts_per_tok=2,
        moe_intermediate_size=8, shared_expert_intermediate_size=8, decoder_sparse_step=1,
        rope_parameters=rope(partial_rotary_factor=0.5))
    yield "qwen3_5", case("Qwen3_5ForCausalLM", "Qwen3_5TextConfig", **LINEAR,
                          rope_parameters=rope(partial_rotary_factor=0.5))


def randomise(model):
    """Every parameter in the order of its name, from one generator."""
    random = torch.Generator().manual_seed(WEIGHTS_SEED)
    for name, parameter in sorted(model.named_parameters()):
        r = torch.randn(parameter.shape, generator=random)
        if name.endswith("A_log"):
            value = (0.5 + 3.0 * torch.rand(parameter.shape, generator=random)).log()
        elif name.endswith("sinks"):
            value = r
        elif name.endswith("dt_bias"):
            value = 1.0 + 0.2 * r
        elif parameter.dim() == 1 and name.endswith("weight"):
            value = parameter.detach() + 0.2 * r  # norms are initialised to what is neutral
        else:
            value = (0.25 if "embed" in name or "wte" in name else 0.35) * r
        parameter.data.copy_(value)


def report_weights_beside_the_sink():
    """Granite reports the softmax without the sink, and scales the output afterwards."""
    module = transformers.models.granite_swa.modeling_granite_swa
    attend = module.eager_attention_forward

    def attend_and_scale(attention, query, key, value, mask, scaling, **rest):
        output, weights = attend(attention, query, key, value, mask, scaling, **rest)
        scores = query @ module.repeat_kv(key, attention.num_key_value_groups).mT * scaling
        gate = torch.sigmoid((scores + mask).logsumexp(-1, keepdim=True) - attention.sinks.view(1, -1, 1, 1))
        return output, weights * gate

    module.eager_attention_forward = attend_and_scale


def gates_of(model, batch):
    """[B, H, T] of every layer with an explicit gate: the second half of each head of q_proj."""
    gates, handles = {}, []
    for number, layer in enumerate(model.model.layers if hasattr(model, "model") else []):
        attention = getattr(layer, "self_attn", None)
        if attention is None or attention.q_proj.out_features != 2 * HEADS * attention.head_dim:
            continue

        def keep(_module, _inputs, output, number=number):
            heads = output.view(*output.shape[:2], HEADS, -1)
            gates[number] = heads.chunk(2, -1)[1].sigmoid().mean(-1).transpose(1, 2)

        handles.append(attention.q_proj.register_forward_hook(keep))
    output = model(batch, output_attentions=True, use_cache=False)
    for handle in handles:
        handle.remove()
    return output, gates


def rounded(tensor):
    def walk(value):
        return [walk(item) for item in value] if isinstance(value, list) else round(value, 6)
    return walk(tensor.double().tolist())


def layer_rows(model, output, gates):
    types = getattr(model.config, "layer_types", None) or ["full_attention"] * LAYERS
    if getattr(model.config, "model_type", "") == "mistral":
        types = ["sliding_attention"] * LAYERS
    attentions = [a for a in output.attentions if a is not None]
    for number, kind in enumerate(types):
        if kind == "linear_attention":
            yield {"layer": number, "type": kind}
            continue
        weights = attentions.pop(0)  # [B, H, T, S]
        first = weights[..., 0]
        if number in gates:
            gate = gates[number]
        elif model.config.model_type in ("gpt_oss", "granite_swa"):
            gate = weights.sum(-1)
        else:
            gate = 1.0 - first
        yield {"layer": number, "type": kind, "gate_mean": rounded(gate.mean((0, 2))),
               "mean_attn_pos0": rounded(first.mean((0, 2)))}
    assert not attentions


def reference(model):
    random = torch.Generator().manual_seed(INPUT_SEED)
    batch = torch.randint(3, VOCABULARY, (2, 8), generator=random)
    batch[:, 0] = 1
    output, gates = gates_of(model, batch)
    ids = batch[:1, :4]
    for _ in range(12):
        ids = torch.cat([ids, model(ids, use_cache=False).logits[:, -1].argmax(-1, keepdim=True)], 1)
    losses = torch.nn.functional.cross_entropy(output.logits[:, :-1].flatten(0, 1), batch[:, 1:].flatten())
    return {"transformers": transformers.__version__, "torch": torch.__version__, "seed": WEIGHTS_SEED,
            "input_ids": batch.tolist(), "logits": rounded(output.logits), "mean_nll": round(losses.item(), 6),
            "greedy_ids": ids[0, 4:].tolist(), "layers": list(layer_rows(model, output, gates))}


def load(kind, folder, dtype):
    return kind.from_pretrained(folder, dtype=dtype, attn_implementation="eager",
                                experts_implementation="eager").eval()


def write(name, kind, config):
    folder = FOLDER / name
    model = kind(config)
    randomise(model)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    found = reference(load(kind, folder, torch.float64))
    other = reference(load(kind, folder, torch.float32))
    doubt = (torch.tensor(found["logits"]) - torch.tensor(other["logits"])).abs().max().item()
    assert found["greedy_ids"] == other["greedy_ids"]
    print(f"{name:12} {(folder / 'model.safetensors').stat().st_size:7} bytes, float32 differs by {doubt:.1e}")
    lines = ",\n ".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}"
                        for key, value in found.items())
    (folder / "reference.json").write_text("{" + lines + "}\n")


def tokenizer():
    """Letters, a few merges, and what a terminal must be kept from: an escape and a bell."""
    letters = ["▁", *"abcdefghijklmnopqrstuvwxyz", "L", "O", "T", ".", ",", "'", "!", "\n", "\t", "é", "\x1b", "\x07"]
    merges = [("▁", "t"), ("h", "e"), ("▁t", "he"), ("i", "n"), ("o", "n"), ("a", "n"), ("an", "d"), ("▁", "and"),
              ("▁", "a"), ("O", "n"), ("On", "ce"), ("c", "e"), ("▁", "Once"), ("r", "e"), ("▁", "s"), ("▁", "w"),
              ("e", "r"), ("▁", "o"), ("▁w", "as"), ("a", "s"), ("l", "y")]
    tokens = ["<unk>", "<s>", "</s>", *letters]
    merges.sort(key=lambda pair: (len(pair[0] + pair[1]), pair))
    tokens += [left + right for left, right in merges]
    assert len(tokens) == len(set(tokens)) <= VOCABULARY, len(tokens)
    made = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges, unk_token="<unk>"))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return made


def write_tokenizer():
    """And what a prompt gives: {"text", "ids", "greedy_ids", "greedy_text"} as prompt.json."""
    folder, made = FOLDER / "llama", tokenizer()
    made.save(str(folder / "tokenizer.json"))
    settings = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    text = "Once, the lion and a tin!"
    ids = torch.tensor([made.encode(text).ids])
    model = load(transformers.LlamaForCausalLM, folder, torch.float64)
    before = ids.shape[1]
    for _ in range(16):
        ids = torch.cat([ids, model(ids, use_cache=False).logits[:, -1].argmax(-1, keepdim=True)], 1)
    ids = ids[0].tolist()
    prompt = {"text": text, "ids": ids[:before], "greedy_ids": ids[before:]}
    (folder / "prompt.json").write_text(json.dumps(prompt) + "\n")


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    report_weights_beside_the_sink()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name, (kind, config) in cases():
        write(name, kind, config)
    write_tokenizer()
    total = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    print(f"{total} bytes in all")


if __name__ == "__main__":
    main()
