"""Trains `lingua`, the language identifier, and writes its integers (trained.json, trained.bin).

Usage: python3 train.py [--steps N] [--stop N] [--out DIR]     needs .cache/data.json from prep.ts, PyTorch >= 1.13

The first 60 % of the steps train a float model; the rest train with every rounding of the exact
graph (models/graph.ts) in the forward pass and its gradient passed straight through. Units are
powers of two, so that the exact graph needs shifts only: activations 1/16, residual 1/128.
"""
import argparse, json, math, os, random, time
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
V, S, D, FFN, HEADS, LAYERS = 257, 128, 128, 512, 4, 3
OFFSETS = (-2, -1, 0, 1, 2)
UNIT, RESIDUAL, LOGIT = 16, 128, 8
ACT_MAX, RES_MAX, WEIGHT_MAX = 63, 2047, 63
QUANT = False  # switched on for the second phase

def ste(x, rounded):
    return x + (rounded - x).detach()

def fake(x, unit, lo, hi):
    """Rounds to 1/unit and clips to [lo, hi]/unit; the gradient is that of the clip."""
    if not QUANT: return x
    y = x.clamp(lo / unit, hi / unit)
    return ste(y, (y * unit).round() / unit)

def act(x): return fake(x, UNIT, -ACT_MAX, ACT_MAX)
def residual(x): return fake(x, RESIDUAL, -RES_MAX, RES_MAX)

def scales(w):
    """Column multipliers M (1..255) and the power P: weight = int * M / 2^P."""
    top = w.detach().abs().amax(1).clamp(min=1e-6)
    p = int(math.floor(math.log2(255 * WEIGHT_MAX / top.max().item())))
    m = torch.ceil(top / WEIGHT_MAX * 2**p).clamp(1, 255)
    return m, p

class Linear(nn.Linear):
    def forward(self, x):
        if not QUANT: return F.linear(x, self.weight, self.bias)
        m, p = scales(self.weight)
        s = (m / 2**p)[:, None]
        w = ste(self.weight, (self.weight / s).round().clamp(-WEIGHT_MAX, WEIGHT_MAX) * s)
        return F.linear(x, w, self.bias)

def norm(x): return act(F.layer_norm(x, (D,)))

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.o = Linear(D, 3 * D), Linear(D, D)
        self.up, self.down = Linear(D, FFN), Linear(FFN, D)
        for l in (self.o, self.down): nn.init.normal_(l.weight, std=0.02)

    def forward(self, x, mask):
        b, t, _ = x.shape
        q, k, v = act(self.qkv(norm(x))).view(b, t, 3, HEADS, D // HEADS).permute(2, 0, 3, 1, 4)
        a = q @ k.transpose(-1, -2) / math.sqrt(D // HEADS) + mask
        x = residual(x + self.o(act((a.softmax(-1) @ v).transpose(1, 2).reshape(b, t, D))))
        return residual(x + self.down(fake(F.relu(self.up(norm(x))), UNIT, 0, ACT_MAX)))

class Lingua(nn.Module):
    def __init__(self, labels):
        super().__init__()
        self.tables = nn.Parameter(torch.randn(len(OFFSETS), V, D) * 0.4)
        self.positions = nn.Parameter(torch.randn(S, D) * 0.02)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.head = Linear(D, labels)

    def forward(self, x):
        t = x.shape[1]
        # Neighbours by index; over the edge is the edge itself, as the graph's Gather has it.
        at = [torch.arange(t).add(o).clamp(0, t - 1) for o in OFFSETS]
        h = sum(F.embedding(x[:, i], self.tables[j]) for j, i in enumerate(at))
        h = residual(h + self.positions[:t])
        pad = x == 0
        mask = pad[:, None, None, :].float() * -1e4
        for b in self.blocks: h = b(h, mask)
        keep = (~pad).float()[..., None]
        pooled = (norm(h) * keep).sum(1) / keep.sum(1).clamp(min=1)
        return self.head(fake(pooled, 2 * UNIT, -2 * ACT_MAX, 2 * ACT_MAX))

def crop(text, rng):
    """A random window of words (or letters where words are few), sometimes in lower case."""
    if rng.random() < 0.3: text = text.lower()
    words = text.split(" ")
    if len(words) > 3 and rng.random() < 0.7:
        n = rng.randint(2, len(words)); s = rng.randint(0, len(words) - n)
        return " ".join(words[s : s + n])
    if len(words) <= 3 and len(text) > 8 and rng.random() < 0.5:
        n = rng.randint(5, len(text)); s = rng.randint(0, len(text) - n)
        return text[s : s + n]
    return text

def batch_of(texts, cap=S):
    rows = [[1 + b for b in t.encode()][:cap] for t in texts]
    # Two columns of padding, so that a shorter batch looks like the fixed width of the graph.
    width = min(S, max(map(len, rows)) + 2)
    return torch.tensor([(r + [0] * width)[:width] for r in rows])

def accuracy(net, rows, label_of):
    net.eval(); ok = 0
    rows = sorted(rows, key=lambda r: len(r[1].encode()))
    with torch.no_grad():
        for i in range(0, len(rows), 128):
            part = rows[i : i + 128]
            y = torch.tensor([label_of[r[0]] for r in part])
            ok += (net(batch_of([r[1] for r in part])).argmax(-1) == y).sum().item()
    net.train()
    return ok / len(rows)

def integers(net):
    """name -> integer array; a linear is weight (n, k), multiplier (n), bias and its power P."""
    out, powers = {}, {}
    i32 = lambda x: x.detach().round().to(torch.int32).numpy()
    out["tables"] = i32(net.tables * RESIDUAL).astype("<i2")
    out["positions"] = i32(net.positions * RESIDUAL).astype("<i2")
    def linear(name, l, unit):
        m, p = scales(l.weight)
        w = i32((l.weight / (m / 2**p)[:, None]).clamp(-WEIGHT_MAX, WEIGHT_MAX))
        out[name + ".weight"] = w.astype("<i1")
        out[name + ".multiplier"] = i32(m).astype("<i2")
        out[name + ".bias"] = i32(l.bias * unit * 2**p).astype("<i4")
        powers[name] = p
    for i, b in enumerate(net.blocks):
        for part in ("qkv", "o", "up", "down"): linear(f"{i}.{part}", getattr(b, part), UNIT)
    linear("head", net.head, 2 * UNIT)
    return out, powers

def save(net, labels, steps, report, folder):
    arrays, powers = integers(net)
    entries, at = [], 0
    with open(os.path.join(folder, "trained.bin"), "wb") as f:
        for name, a in arrays.items():
            f.write(a.tobytes())
            entries.append({"name": name, "type": a.dtype.str[1:], "dims": list(a.shape), "at": at})
            at += a.nbytes
    head = {"labels": labels, "layers": LAYERS, "heads": HEADS, "offsets": list(OFFSETS),
            "steps": steps, "report": report, "powers": powers, "arrays": entries}
    with open(os.path.join(folder, "trained.json"), "w") as f: json.dump(head, f, indent=1)

def main():
    global QUANT
    args = argparse.ArgumentParser()
    args.add_argument("--steps", type=int, default=1800, help="length of the schedule")
    args.add_argument("--stop", type=int, default=10**9, help="stop after this step")
    args.add_argument("--out", default=HERE)
    a = args.parse_args()
    torch.set_num_threads(2); torch.manual_seed(1); rng = random.Random(1)
    data = json.load(open(os.path.join(HERE, ".cache", "data.json")))
    label_of = {l: i for i, l in enumerate(data["labels"])}
    by_label = [{l: [r for r in data[k] if r[0] == l] for l in label_of} for k in ("train", "locale")]
    net = Lingua(len(label_of))
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    labels, began, report, mean = data["labels"], time.time(), {}, 0.0
    for step in range(a.steps):
        progress = step / a.steps
        if progress >= 0.6 and not QUANT:
            report["float"] = accuracy(net, data["held"], label_of)
            QUANT = True
        for g in opt.param_groups:
            g["lr"] = 2e-3 * min(1, step / 100) * max(0.01, 1 - progress)
        rows = [rng.choice(by_label[rng.random() < 0.2][rng.choice(labels)]) for _ in range(64)]
        x = batch_of([crop(r[1], rng) for r in rows], rng.choice((32, 64, 96, S)))
        y = torch.tensor([label_of[r[0]] for r in rows])
        loss = F.cross_entropy(net(x), y, label_smoothing=0.05)
        opt.zero_grad(); loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0); opt.step()
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if step % 100 == 99:
            held = accuracy(net, data["held"][::8], label_of)
            print(f"{step + 1} {time.time() - began:.0f}s loss {mean:.3f} held/8 {held:.4f} quant {QUANT}", flush=True)
            save(net, labels, step + 1, report, a.out)
        if step + 1 >= a.stop: break
    report["quantised" if QUANT else "float"] = accuracy(net, data["held"], label_of)
    save(net, labels, step + 1, report, a.out)
    print("held out:", report)

main()
