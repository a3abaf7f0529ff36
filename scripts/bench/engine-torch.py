"""The work of engine.ts in PyTorch, one thread: prints a JSON object of GFLOP/s and milliseconds."""
import json
import os
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(1)


def best(run, repeats, inner):
    run()
    figures = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(inner):
            run()
        figures.append((time.perf_counter() - start) / inner)
    return min(figures)


def training(model, optimizer, losses, clip=None):
    def step():
        optimizer.zero_grad()
        losses(model).backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()

    return step


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, later):
        n, t, d = x.shape
        q, k, v = (
            part.view(n, t, self.heads, d // self.heads).transpose(1, 2)
            for part in self.mix(self.first(x)).split(d, dim=2)
        )
        scores = (q @ k.transpose(2, 3)) / (d // self.heads) ** 0.5
        weights = scores.masked_fill(later, -1e30).softmax(3)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(n, t, d))
        return x + self.narrow(F.gelu(self.widen(self.second(x)), approximate="tanh"))


class Decoder(nn.Module):
    def __init__(self, vocabulary, context, width, layers, heads):
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.place = nn.Parameter(torch.randn(context, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.register_buffer("later", torch.ones(context, context).triu(1).bool())

    def forward(self, tokens):
        x = self.token(tokens) + self.place
        for block in self.blocks:
            x = block(x, self.later)
        return self.head(self.norm(x))


out = {}
for n in (256, 512, 1024):
    a, b = torch.randn(n, n), torch.randn(n, n)
    out[f"matmul {n}"] = 2 * n**3 / best(lambda: a @ b, 7, max(1, 1024**3 // n**3 // 4)) / 1e9

images, classes = torch.rand(4096, 784), torch.randint(10, (4096,))


def batch():
    rows = torch.randint(4096, (64,))
    return images[rows], classes[rows]


def classifier(model):
    x, y = batch()
    return F.cross_entropy(model(x), y)


mlp = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
out["MLP step"] = best(training(mlp, torch.optim.SGD(mlp.parameters(), lr=0.05), classifier), 15, 50) * 1e3

lenet = nn.Sequential(
    nn.Unflatten(1, (1, 28, 28)),
    nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
)
out["LeNet step"] = best(training(lenet, torch.optim.AdamW(lenet.parameters()), classifier), 9, 20) * 1e3

text = torch.randint(96, (20000,))


def language(model):
    starts = torch.randint(20000 - 129, (16,))
    rows = torch.stack([text[s : s + 129] for s in starts])
    return F.cross_entropy(model(rows[:, :-1]).reshape(-1, 96), rows[:, 1:].reshape(-1))


decoder = Decoder(96, 128, 128, 4, 4)
optimizer = torch.optim.AdamW(decoder.parameters())
out["transformer step"] = best(training(decoder, optimizer, language, 1.0), 5, 3) * 1e3
print(json.dumps(out))
