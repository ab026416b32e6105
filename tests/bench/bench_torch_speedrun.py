"""PyTorch's cold start to 98 %: the fastest script that its user would write.

One hidden layer, one-cycle learning rate (Smith and Topin, 2018), the fused optimizer where this
PyTorch has it, images as floats in memory, one index_select a batch. Hidden units, epochs, batch
size, learning rate and label smoothing are PyTorch's own best: the fewest seconds whose test
accuracy over seeds 1 to 5 is at least 98 % in the mean. Prints one JSON object.
"""
import argparse
import json
import sys

import torch
from torch.nn import functional

from bench_torch import MOMENTUM, accuracy, load, make_model


def make_optimizer(model, lr):
    try:
        return torch.optim.SGD(model.parameters(), lr=lr, momentum=MOMENTUM, nesterov=True, fused=True)
    except TypeError:  # before 2.3
        return torch.optim.SGD(model.parameters(), lr=lr, momentum=MOMENTUM, nesterov=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder with the four MNIST files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hidden", type=int, nargs="+", default=[128])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--lr", type=float, default=0.5)
    parser.add_argument("--smoothing", type=float, default=0.05)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_flush_denormal(True)
    images, labels = load(args.data, "train")
    model = make_model(images.shape[1], args.hidden)
    optimizer = make_optimizer(model, args.lr)
    steps = -(-len(images) // args.batch) * args.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.lr, total_steps=steps, cycle_momentum=False)
    for _ in range(args.epochs):
        for batch in torch.randperm(len(images)).split(args.batch):
            loss = functional.cross_entropy(
                model(images.index_select(0, batch)), labels.index_select(0, batch),
                label_smoothing=args.smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    json.dump({"test_accuracy": accuracy(model, *load(args.data, "t10k"))}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
