"""The work of engine.ts in numpy, one thread; how it is asked: engine_rounds.py."""
import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np  # noqa: E402
from engine_rounds import answer  # noqa: E402


rng = np.random.default_rng(1)
matrices = {
    n: [rng.standard_normal((n, n), dtype=np.float32) for _ in range(2)] for n in (256, 512, 1024)
}


def product(n):
    a, b = matrices[n]
    return lambda: a @ b


images = rng.random((4096, 784), dtype=np.float32)
classes = rng.integers(0, 10, 4096)
w1 = rng.standard_normal((784, 256), dtype=np.float32) * np.float32(0.05)
w2 = rng.standard_normal((256, 10), dtype=np.float32) * np.float32(0.06)
b1 = np.zeros(256, np.float32)
b2 = np.zeros(10, np.float32)
rows = np.arange(64)
rate = np.float32(0.05)


def step():
    global w1, b1, w2, b2
    picked = rng.integers(0, 4096, 64)
    x = images[picked]
    y = classes[picked]
    h = np.maximum(x @ w1 + b1, 0)
    z = h @ w2 + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    d = e / e.sum(axis=1, keepdims=True)
    d[rows, y] -= 1
    d *= np.float32(1 / 64)
    dh = (d @ w2.T) * (h > 0)
    w2 -= rate * (h.T @ d)
    b2 -= rate * d.sum(axis=0)
    w1 -= rate * (x.T @ dh)
    b1 -= rate * dh.sum(axis=0)


answer({**{f"matmul {n}": product(n) for n in matrices}, "MLP step": step})
