"""The decoder of sinkwise in plain eager PyTorch: the peer of benchmarks/train_step.py.

Same sizes, same operations as a person would write them: torch.nn modules, scaled_dot_product_attention
where it can express the mechanism, the concatenated softmax for a learned sink, and the implicit gate of
the balance loss read from the weights.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def rotate(x, cosine, sine):
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


class Attention(nn.Module):
    def __init__(self, width, heads, mechanism):
        super().__init__()
        self.heads, self.size, self.mechanism = heads, width // heads, mechanism
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        if mechanism == "gated_headwise":
            self.gate_proj = nn.Linear(width, heads, bias=False)
        if mechanism == "sink":
            self.sinks = nn.Parameter(torch.full((heads,), 3.0))

    def forward(self, x, rotary, want_gate):
        B, T, width = x.shape
        q, k, v = (p(x).view(B, T, self.heads, self.size).transpose(1, 2)
                   for p in (self.q_proj, self.k_proj, self.v_proj))
        if rotary is not None:
            q, k = rotate(q, *rotary), rotate(k, *rotary)
        gate = None
        if self.mechanism == "sink" or (self.mechanism == "vanilla" and want_gate):
            out, gate = self.weights_path(q, k, v)
        else:
            out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        if self.mechanism == "gated_headwise":
            gate = torch.sigmoid(self.gate_proj(x)).transpose(1, 2)  # [B, H, T]
            out = out * gate.unsqueeze(-1)
        return self.o_proj(out.transpose(1, 2).reshape(B, T, width)), gate

    def weights_path(self, q, k, v):
        T = q.size(2)
        scores = q @ k.transpose(-1, -2) / math.sqrt(self.size)
        hidden = torch.ones(T, T, dtype=torch.bool).triu(1)
        scores = scores.masked_fill(hidden, float("-inf"))
        if self.mechanism == "vanilla":
            weights = scores.softmax(-1)
            return weights @ v, 1 - weights[..., 0]
        sink = self.sinks.view(1, -1, 1, 1).expand(q.size(0), -1, T, 1)
        weights = torch.cat((scores, sink), dim=-1).softmax(-1)
        return weights[..., :T] @ v, 1 - weights[..., T]


class Block(nn.Module):
    def __init__(self, width, heads, mechanism):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(width, eps=1e-6)
        self.self_attn = Attention(width, heads, mechanism)
        self.post_attention_layernorm = nn.RMSNorm(width, eps=1e-6)
        self.up_proj = nn.Linear(width, 4 * width, bias=False)
        self.down_proj = nn.Linear(4 * width, width, bias=False)

    def forward(self, x, rotary, want_gate):
        mixed, gate = self.self_attn(self.input_layernorm(x), rotary, want_gate)
        x = x + mixed
        return x + self.down_proj(F.gelu(self.up_proj(self.post_attention_layernorm(x)))), gate


class Decoder(nn.Module):
    """Mirrors recipes/bigram_backcopy.toml (learned positions) or recipes/text.toml (rotary)."""

    def __init__(self, vocabulary, length, layers, width, heads, mechanism, rotary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(Block(width, heads, mechanism) for _ in range(layers))
        self.norm = nn.RMSNorm(width, eps=1e-6)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.positions = None if rotary else nn.Parameter(torch.randn(length, width) * 0.02)
        self.rotary = None
        if rotary:
            size = width // heads
            angle = torch.outer(torch.arange(length), 10000.0 ** (-torch.arange(0, size, 2) / size))
            self.rotary = (angle.cos(), angle.sin())

    def forward(self, tokens, want_gate):
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions
        gates = []
        for block in self.blocks:
            x, gate = block(x, self.rotary, want_gate)
            gates.append(gate)
        return self.head(self.norm(x)), gates


def balance(gates, mechanism):
    """Sum over layers of H * CV^2 of the mean gates; the first row of vanilla is fixed at 0."""
    total = 0.0
    for gate in gates:
        rows = gate[:, :, 1:] if mechanism == "vanilla" else gate
        importance = rows.mean(dim=(0, 2))
        total = total + len(importance) * importance.var(unbiased=False) / importance.mean() ** 2
    return total


class Trainer:
    def __init__(self, model, mechanism, weight):
        self.model, self.mechanism, self.weight = model, mechanism, weight
        decay = [p for p in model.parameters() if p.dim() >= 2]
        others = [p for p in model.parameters() if p.dim() < 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": decay, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
            lr=1e-2, betas=(0.9, 0.98), fused=True)

    def step(self, tokens, targets):
        logits, gates = self.model(tokens, self.weight > 0)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        if self.weight > 0:
            loss = loss + self.weight * balance(gates, self.mechanism)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()
