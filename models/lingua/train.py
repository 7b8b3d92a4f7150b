"""Trains `lingua`, the language identifier, and writes its integers (trained.json, trained.bin).

Usage: python3 train.py [--stop N] [--resume] [--out DIR]      needs PyTorch >= 1.13 and prep.ts's data

Until step FIRST it sees .cache/data.json alone, from then on .cache/own.json as well. Steps before
QUANT_FROM train a float model; the rest train with every rounding of the exact graph
(models/graph.ts) in the forward pass and its gradient passed straight through. Units are powers of
two, so that the exact graph needs shifts only: activations 1/16, residual 1/128.
The whole state goes to .cache/checkpoint.pt every 100 steps: --resume goes on as if nothing had been.
"""
import argparse, json, math, os, random, time
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from augment import cut, junk, vary

HERE = os.path.dirname(os.path.abspath(__file__))
V, S, D, FFN, HEADS, LAYERS = 257, 128, 128, 512, 4, 3
OFFSETS = (-2, -1, 0, 1, 2)
UNIT, RESIDUAL, LOGIT = 16, 128, 8
ACT_MAX, RES_MAX, WEIGHT_MAX = 63, 2047, 63
FIRST, BATCH, RATE, THREADS = 0, 64, 2e-3, 1
STEPS, QUANT_FROM = 19000, 13000
# Learning rate over RATE: straight between these steps, after a start from nothing. It rises once more.
RATES = {0: 1, 7500: 0.6, 13000: 0.2, 15000: 0.006, 15100: 0.25, STEPS: 0.004}
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

def batch_of(texts, cap=S):
    rows = [[1 + b for b in t.encode()][:cap] for t in texts]
    # Two columns of padding, so that a shorter batch looks like the fixed width of the graph.
    width = min(S, max(map(len, rows)) + 2)
    return torch.tensor([(r + [0] * width)[:width] for r in rows])

def logits_of(net, texts):
    """texts × labels, in the order given."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i].encode()))
    out = torch.zeros(len(texts), net.head.out_features)
    net.eval()
    with torch.no_grad():
        for i in range(0, len(order), 128):
            part = order[i : i + 128]
            out[part] = net(batch_of([texts[j] for j in part]))
    net.train()
    return out

def accuracy(net, rows, label_of):
    if not rows: return None
    y = torch.tensor([label_of[r[0]] for r in rows])
    return round((logits_of(net, [r[1] for r in rows]).argmax(-1) == y).float().mean().item(), 5)

class Sampler:
    """Texts by label, then by part; none is drawn twice as often as a language."""
    def __init__(self, labels, rng):
        self.labels, self.rng, self.parts = labels, rng, {}
        self.weights = [2 if l == "none" else 1 for l in labels]

    def add(self, weight, rows):
        by = {l: [] for l in self.labels}
        for l, t in rows: by[l].append(t)
        # Other scripts are learnt at once; three of four are Latin or Cyrillic.
        near = [t for t in by["none"] if max(t, key=lambda c: c.isalpha() and ord(c)) < "\u0530"]
        far = [t for t in by["none"] if max(t, key=lambda c: c.isalpha() and ord(c)) >= "\u0530"]
        for l in self.labels:
            if l != "none" and by[l]: self.parts.setdefault(l, []).append((weight, by[l]))
        if near: self.parts.setdefault("none", []).append((weight * 0.75, near))
        if far: self.parts.setdefault("none", []).append((weight * 0.15, far))

    def draw(self):
        rng = self.rng
        label = rng.choices(self.labels, self.weights)[0]
        if label == "none" and rng.random() < 0.2: return label, junk(rng)
        parts = self.parts[label]
        texts = rng.choices([t for _, t in parts], [w for w, _ in parts])[0]
        room = rng.choice((20, 30, 40, 60, 90, 128, 128))
        return label, vary(cut(rng.choice(texts), rng, room), rng, label) or "?"

    def batches(self, size, count=8):
        """`count` batches of like lengths, shuffled: short texts then cost little."""
        rows = sorted((self.draw() for _ in range(size * count)), key=lambda r: len(r[1].encode()))
        out = [rows[i : i + size] for i in range(0, len(rows), size)]
        self.rng.shuffle(out)
        return out

def load(name):
    with open(os.path.join(HERE, ".cache", name)) as f: return json.load(f)

def temperature(logits, y):
    """The T that makes softmax(logits / T) likeliest, by bisection on its derivative."""
    lo, hi = 0.2, 5.0
    for _ in range(40):
        t = torch.tensor((lo + hi) / 2, requires_grad=True)
        F.cross_entropy(logits / t, y).backward()
        if t.grad > 0: hi = t.item()
        else: lo = t.item()
    return (lo + hi) / 2

def rate(step):
    return min(1, (step + 1) / 100) * float(np.interp(step, list(RATES), list(RATES.values())))

def main():
    global QUANT
    args = argparse.ArgumentParser()
    args.add_argument("--resume", action="store_true")
    args.add_argument("--stop", type=int, default=10**9, help="stop after this step")
    args.add_argument("--out", default=HERE)
    a = args.parse_args()
    torch.set_num_threads(THREADS); torch.manual_seed(1); rng = random.Random(1)
    data = load("data.json"); labels = data["labels"]
    label_of = {l: i for i, l in enumerate(labels)}
    sampler = Sampler(labels, rng)
    for part, weight in (("diagnostics", 2.5), ("screens", 3), ("locale", 0.7)): sampler.add(weight, data[part]["train"])
    held = data["diagnostics"]["held"]
    net = Lingua(len(labels))
    opt = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.05)
    began, before, mean, step, report, queue, own = time.time(), 0.0, 0.0, 0, {}, [], None
    path = os.path.join(HERE, ".cache", "checkpoint.pt")
    if a.resume:
        c = torch.load(path); net.load_state_dict(c["net"]); opt.load_state_dict(c["opt"])
        step, mean, before, report, queue, QUANT = (c[k] for k in ("step", "mean", "seconds", "report", "queue", "quant"))
        rng.setstate(c["rng"])
        print(f"resumed at {step}", flush=True)
    while step < min(STEPS, a.stop):
        if step >= FIRST and own is None:
            own = load("own.json")
            for part, weight in (("sentences", 4), ("grammar", 3)): sampler.add(weight, own[part])
            if step == FIRST: queue = []
        if step >= QUANT_FROM and not QUANT:
            report["float"] = measure(net, data, own, label_of)
            torch.save(net.state_dict(), os.path.join(HERE, ".cache", "float.pt"))
            QUANT = True
        for g in opt.param_groups:
            g["lr"] = RATE * rate(step)
        if not queue: queue = sampler.batches(BATCH)
        rows = queue.pop()
        y = torch.tensor([label_of[r[0]] for r in rows])
        loss = F.cross_entropy(net(batch_of([r[1] for r in rows])), y, label_smoothing=0.02)
        opt.zero_grad(); loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0); opt.step()
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        step += 1
        if step % 100 == 0 or step == STEPS:
            seconds = before + time.time() - began
            some = {"diagnostics": accuracy(net, held[::16], label_of)}
            if own: some["dev"] = accuracy(net, own["dev"][::3], label_of)
            print(f"{step} {seconds:.0f}s loss {mean:.3f} {some} quant {QUANT}", flush=True)
            torch.save({"net": net.state_dict(), "opt": opt.state_dict(), "step": step, "mean": mean, "report": report,
                        "seconds": seconds, "queue": queue, "rng": rng.getstate(), "quant": QUANT}, path + ".new")
            os.replace(path + ".new", path)
    if step < STEPS: return
    report["quantised"] = measure(net, data, own, label_of)
    calibrate(net, data, own, label_of, report)
    save(net, labels, step, report, a.out)
    print("held out:", json.dumps(report))

def measure(net, data, own, label_of):
    sets = {"diagnostics": data["diagnostics"]["held"][::8], "screens": data["screens"]["held"][::60], "dev": own["dev"] if own else []}
    return {k: accuracy(net, rows, label_of) for k, rows in sets.items()}

def calibrate(net, data, own, label_of, report):
    """Folds the temperature of held-out and development texts into the head: softmax(answer / 8) is then a probability."""
    rows = data["diagnostics"]["held"][::8] + data["screens"]["held"][::60] + own["dev"] * 2
    y = torch.tensor([label_of[r[0]] for r in rows])
    t = temperature(logits_of(net, [r[1] for r in rows]), y)
    with torch.no_grad(): net.head.weight /= t; net.head.bias /= t
    report["temperature"] = round(t, 4)

if __name__ == "__main__": main()
