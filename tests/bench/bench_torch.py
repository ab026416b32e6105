"""PyTorch's side of scripts/bench_peers.sh: the same network, settings and work as mlp.

train: SGD with momentum 0.9, written as a careful user writes it for data that fits in memory:
images are float tensors before the clock starts, an epoch draws one permutation, a batch is one
index_select. What is timed is the epoch, no more. A variant is words joined by "+": an optimizer
(loop, foreach, fused), "compile", and for products in bf16 "autocast" or "medium".
predict: one raw image of 784 bytes through a saved network, from a cold start.
throughput: the training images through a saved network, from floats in memory to labels and
probabilities, at each batch size.
Prints one JSON object.
"""
import argparse
import gzip
import json
import os
import sys
import time

import torch
from torch.nn import functional

from peak_memory import peak_kib

CLASSES, MOMENTUM = 10, 0.9
WORDS = {"loop", "foreach", "fused", "compile", "autocast", "medium"}


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


def make_model(pixels, hidden):
    sizes = [pixels, *hidden, CLASSES]
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def load_model(weights):
    """A network saved by train, its sizes read off its weights."""
    state = torch.load(weights)
    sizes = [tensor.shape for name, tensor in state.items() if name.endswith("weight")]
    model = make_model(sizes[0][1], [outputs for outputs, _ in sizes[:-1]])
    model.load_state_dict(state)
    return model


def make_optimizer(model, lr, words):
    options = {"fused": True} if "fused" in words else {"foreach": "foreach" in words}
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=MOMENTUM, **options)


def make_forward_loss(model, words):
    def forward_loss(x, y):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled="autocast" in words):
            logits = model(x)
        return functional.cross_entropy(logits.float(), y)

    if "medium" in words:
        torch.set_float32_matmul_precision("medium")
    return torch.compile(forward_loss) if "compile" in words else forward_loss


def run_epoch(forward_loss, optimizer, images, labels, batch_size):
    order = torch.randperm(len(images))
    for batch in order.split(batch_size):
        loss = forward_loss(images.index_select(0, batch), labels.index_select(0, batch))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def accuracy(model, images, labels):
    with torch.inference_mode():
        return (model(images).argmax(1) == labels).float().mean().item()


def train(args):
    torch.manual_seed(1)
    words = args.variant.split("+")
    images, labels = load(args.data, "train")
    model = make_model(images.shape[1], args.hidden)
    optimizer = make_optimizer(model, args.lr, words)
    forward_loss = make_forward_loss(model, words)

    seconds = []
    for _ in range(args.epochs):
        start = time.perf_counter()
        run_epoch(forward_loss, optimizer, images, labels, args.batch)
        seconds.append(time.perf_counter() - start)
    peak = peak_kib()
    if args.save:
        torch.save(model.state_dict(), args.save)
    return {
        "seconds": seconds,
        "test_accuracy": accuracy(model, *load(args.data, "t10k")),
        "peak_kib": peak,
    }


def predict(args):
    with open(args.image, "rb") as f:
        image = torch.frombuffer(bytearray(f.read()), dtype=torch.uint8).float().div_(255.0)
    model = load_model(args.weights)
    with torch.inference_mode():
        probability, label = functional.softmax(model(image), 0).max(0)
    return {"label": label.item(), "probability": probability.item()}


def throughput(args):
    images, _ = load(args.data, "train")
    model = load_model(args.weights)
    best = {"images_per_second": 0.0}
    with torch.inference_mode():
        for batch in (128, 256, 512, 1024, 4096, 16384, len(images)):
            for _ in range(5):
                start = time.perf_counter()
                for x in images.split(batch):
                    functional.softmax(model(x), 1).max(1)
                rate = len(images) / (time.perf_counter() - start)
                best = max(best, {"images_per_second": rate, "batch": batch},
                           key=lambda found: found["images_per_second"])
    return best


def variant(text):
    if not WORDS.issuperset(text.split("+")):
        raise argparse.ArgumentTypeError("words of %s" % ", ".join(sorted(WORDS)))
    return text


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("train")
    command.add_argument("--data", required=True, help="folder with the four MNIST files")
    command.add_argument("--hidden", type=int, nargs="+", default=[128])
    command.add_argument("--batch", type=int, default=128)
    command.add_argument("--lr", type=float, default=0.1)
    command.add_argument("--variant", type=variant, default="loop")
    command.add_argument("--epochs", type=int, default=3)
    command.add_argument("--save", help="write the weights there")
    command.set_defaults(run=train)
    command = commands.add_parser("predict")
    command.add_argument("--weights", required=True)
    command.add_argument("--image", required=True, help="784 raw bytes")
    command.set_defaults(run=predict)
    command = commands.add_parser("throughput")
    command.add_argument("--weights", required=True)
    command.add_argument("--data", required=True, help="folder with the four MNIST files")
    command.set_defaults(run=throughput)
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_flush_denormal(True)  # late in training it pays; a careful user knows
    json.dump(args.run(args), sys.stdout)
    print()


if __name__ == "__main__":
    main()
