"""float.json: what the trained weights get right in float32, with none of the exact graph's roundings.

Usage: python3 float.py      needs .cache/checkpoint.pt of a finished train.py, .cache/data.json
Each entry is [right, of], under the names that models/report.ts prints.
"""
import json, os
import torch
import train
from train import HERE, THREADS, Lingua, load, logits_of

def main():
    torch.set_num_threads(THREADS)
    data = load("data.json"); labels = data["labels"]
    general = json.load(open(os.path.join(HERE, "test", "general.json")))
    rows = [(l, t) for l, texts in general.items() for t in texts]
    sets = {"general": rows, "general, 20 characters and more": [r for r in rows if len(r[1]) >= 20],
            "held-out diagnostics": data["diagnostics"]["held"], "held-out screens, every 12.": data["screens"]["held"][::12]}
    net = Lingua(len(labels)); state = torch.load(os.path.join(HERE, ".cache", "checkpoint.pt"))
    net.load_state_dict(state["net"]); train.QUANT = False
    out = {}
    for name, rows in sets.items():
        found = logits_of(net, [t for _, t in rows]).argmax(-1).tolist()
        out[name] = [sum(labels[f] == l for f, (l, _) in zip(found, rows)), len(rows)]
    with open(os.path.join(HERE, "float.json"), "w") as f: json.dump(out, f, indent=1)
    print(out)

if __name__ == "__main__": main()
