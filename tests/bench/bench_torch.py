"""PyTorch's side of scripts/bench_peers.sh: the same network, settings and work as mlp.

train: 784-128-10, batch 128, SGD with lr 0.1 and momentum 0.9, written as a careful user
writes it for data that fits in memory: images are float tensors before the clock starts, an
epoch draws one permutation, a batch is one index_select. What is timed is the epoch, no more.
predict: one raw image of 784 bytes through a saved network, from a cold start.
Prints one JSON object.
"""
import argparse
import gzip
import json
import os
import resource
import sys
import time

import torch
from torch.nn import functional

BATCH, HIDDEN, CLASSES, LR, MOMENTUM = 128, 128, 10, 0.1, 0.9
VARIANTS = ("loop", "foreach", "fused", "compile")


def read_idx(path):
    """The IDX file `path` or `path`.gz as a uint8 tensor, one row an item."""
    opener, name = (open, path) if os.path.exists(path) else (gzip.open, path + ".gz")
    with opener(name, "rb") as f:
        raw = bytearray(f.read())
    rank = raw[3]
    count = int.from_bytes(raw[4:8], "big")
    return torch.frombuffer(raw, dtype=torch.uint8, offset=4 + 4 * rank).view(count, -1)


def load(folder, part):
    images = read_idx(os.path.join(folder, part + "-images-idx3-ubyte"))
    labels = read_idx(os.path.join(folder, part + "-labels-idx1-ubyte"))
    return images.float().div_(255.0), labels.view(-1).long()


def make_model(pixels):
    return torch.nn.Sequential(
        torch.nn.Linear(pixels, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES)
    )


def make_optimizer(model, variant):
    options = {"foreach": variant == "foreach"}
    if variant == "fused":
        options = {"fused": True}
    return torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM, **options)


def run_epoch(forward_loss, optimizer, images, labels):
    order = torch.randperm(len(images))
    for batch in order.split(BATCH):
        loss = forward_loss(images.index_select(0, batch), labels.index_select(0, batch))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def train(args):
    torch.manual_seed(1)
    images, labels = load(args.data, "train")
    model = make_model(images.shape[1])
    optimizer = make_optimizer(model, args.variant)

    def forward_loss(x, y):
        return functional.cross_entropy(model(x), y)

    if args.variant == "compile":
        forward_loss = torch.compile(forward_loss)

    seconds = []
    for _ in range(args.epochs):
        start = time.perf_counter()
        run_epoch(forward_loss, optimizer, images, labels)
        seconds.append(time.perf_counter() - start)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with torch.no_grad():
        test_images, test_labels = load(args.data, "t10k")
        right = (model(test_images).argmax(1) == test_labels).float().mean().item()
    if args.save:
        torch.save(model.state_dict(), args.save)
    return {"seconds": seconds, "test_accuracy": right, "peak_kib": peak_kib}


def predict(args):
    with open(args.image, "rb") as f:
        image = torch.frombuffer(bytearray(f.read()), dtype=torch.uint8).float().div_(255.0)
    model = make_model(len(image))
    model.load_state_dict(torch.load(args.weights))
    with torch.no_grad():
        probability, label = functional.softmax(model(image), 0).max(0)
    return {"label": label.item(), "probability": probability.item()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("train")
    command.add_argument("--data", required=True, help="folder with the four MNIST files")
    command.add_argument("--variant", choices=VARIANTS, default="loop")
    command.add_argument("--epochs", type=int, default=3)
    command.add_argument("--save", help="write the weights there")
    command.set_defaults(run=train)
    command = commands.add_parser("predict")
    command.add_argument("--weights", required=True)
    command.add_argument("--image", required=True, help="784 raw bytes")
    command.set_defaults(run=predict)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)  # late in training it pays; a careful user knows
    result = {"version": torch.__version__, "threads": args.threads}
    result.update(args.run(args))
    json.dump(result, sys.stdout)
    print()


if __name__ == "__main__":
    main()
