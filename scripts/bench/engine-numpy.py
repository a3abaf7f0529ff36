"""The work of engine.ts in numpy, one thread: prints a JSON object of GFLOP/s and milliseconds."""
import json
import os
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np  # noqa: E402


def best(run, repeats, inner):
    figures = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(inner):
            run()
        figures.append((time.perf_counter() - start) / inner)
    return min(figures)


rng = np.random.default_rng(1)
out = {}
for n in (256, 512, 1024):
    a = rng.standard_normal((n, n), dtype=np.float32)
    b = rng.standard_normal((n, n), dtype=np.float32)
    out[f"matmul {n}"] = 2 * n**3 / best(lambda: a @ b, 7, max(1, 1024**3 // n**3 // 4)) / 1e9

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


step()
out["mlp step"] = best(step, 15, 50) * 1e3
print(json.dumps(out))
