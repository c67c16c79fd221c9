"""Images trained per second by two one-thread jobs side by side, over one two-thread job.

    python benchmarks/threads.py

Rounds are interleaved; prints each round's ratio and the median, for widths 16 and 64. The default of one
thread a job rests on it.
"""

import statistics
import subprocess
import sys

JOB = """
import sys, time, torch
from unpoison.models import build
from unpoison.training import Examples, Recipe, compute_repeatably, train
threads, width, rows = map(int, sys.argv[1:])
compute_repeatably(threads)
images = torch.randint(0, 256, (rows, 32, 32, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
labels = torch.randint(0, 10, (rows,))
examples = Examples(images, labels, torch.full((rows,), -1), lambda images, _: images, "after_augmentation")
model = build("resnet9", 10, {"width": width}, 0)
recipe = Recipe(learning_rate=0.05, batch_size=128, iterations=3)
train(model, examples, recipe, 0)  # warm
started = time.perf_counter()
train(model, examples, Recipe(learning_rate=0.05, batch_size=128, iterations=rows // 128), 0)
print(rows // 128 * 128 / (time.perf_counter() - started))
"""
ROUNDS = 5


def images_per_second(jobs: int, threads: int, width: int) -> float:
    """The sum over jobs that run side by side."""
    rows = 5120 if width < 32 else 1280
    command = [sys.executable, "-c", JOB, str(threads), str(width), str(rows)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(jobs)]
    return sum(float(job.communicate()[0].split()[-1]) for job in running)


for width in (16, 64):
    ratios = [images_per_second(2, 1, width) / images_per_second(1, 2, width) for _ in range(ROUNDS)]
    print(f"width {width}: {statistics.median(ratios):.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})")
