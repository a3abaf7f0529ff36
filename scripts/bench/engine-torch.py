"""The work of engine.ts in PyTorch, one thread; how it is asked: engine_rounds.py."""
import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from engine_rounds import answer  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(1)


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


matrices = {n: [torch.randn(n, n) for _ in range(2)] for n in (256, 512, 1024)}


def product(n):
    a, b = matrices[n]
    return lambda: a @ b


images, classes = torch.rand(4096, 784), torch.randint(10, (4096,))


def batch():
    rows = torch.randint(4096, (64,))
    return images[rows], classes[rows]


def classifier(model):
    x, y = batch()
    return F.cross_entropy(model(x), y)


mlp = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
train_mlp = training(mlp, torch.optim.SGD(mlp.parameters(), lr=0.05), classifier)

lenet = nn.Sequential(
    nn.Unflatten(1, (1, 28, 28)),
    nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
)
train_lenet = training(lenet, torch.optim.AdamW(lenet.parameters()), classifier)

text = torch.randint(96, (20000,))


def language(model):
    starts = torch.randint(20000 - 129, (16,))
    rows = torch.stack([text[s : s + 129] for s in starts])
    return F.cross_entropy(model(rows[:, :-1]).reshape(-1, 96), rows[:, 1:].reshape(-1))


decoder = Decoder(96, 128, 128, 4, 4)
optimizer = torch.optim.AdamW(decoder.parameters())
answer(
    {
        **{f"matmul {n}": product(n) for n in matrices},
        "MLP step": train_mlp,
        "LeNet step": train_lenet,
        "transformer step": training(decoder, optimizer, language, 1.0),
    }
)
