#!/usr/bin/env python3
"""Writes what PyTorch does into tests/golden, for the unit tests: trajectories.txt, 50 steps of SGD,
and one_cycle.txt, learning rates.

Two small networks, one for each output head, start from torch.nn.Linear's own weights and see
fixed batches of random pixels; each is trained with several settings of torch.optim.SGD. The file
records every loss and the final weights. The formats are described at the heads of the files; run
this with a Python that has PyTorch (Debian's python3-torch made the committed ones) to write them
again.
"""
import os
import sys

import torch
from torch.nn import functional

HEADER = """\
# What PyTorch {version} computes in float32; written by scripts/make_golden.py.
#
# A text of tokens between white space. Lines that begin with # are comments; all others begin
# with the name of what follows, in this order:
#
#   network OUTPUT STEPS BATCH LAYERS N0 N1 ... N<LAYERS>
#       OUTPUT is softmax (cross-entropy of N<LAYERS> classes) or sigmoid (binary cross-entropy of
#       one logit; label 1 is the positive class). The loss is the mean over a batch. N0 pixels go
#       through LAYERS linear layers N0 -> N1 -> ..., ReLU between them.
#   initial TENSOR ROWS COLUMNS VALUE...
#       linear1.weight, linear1.bias, linear2.weight, ...; weights are (out, in) row by row, a bias
#       has one row. Values are C hexadecimal floats (strtof reads them exactly).
#   pixels STEP VALUE...
#       BATCH x N0 bytes, a row an image; the network sees each divided by 255, as a float.
#   labels STEP VALUE...
#   run NAME LR MOMENTUM NESTEROV WEIGHT_DECAY LABEL_SMOOTHING
#       From the initial weights, all STEPS batches in order. What follows belongs to it:
#   losses VALUE...
#       One a step, before the step's update.
#   final TENSOR ROWS COLUMNS VALUE...
#
# "end" closes a network with its runs.
"""

ONE_CYCLE_HEADER = """\
# The learning rates of torch.optim.lr_scheduler.OneCycleLR, PyTorch {version}; written by
# scripts/make_golden.py. A line each: epochs, steps of an epoch, warm-up epochs (0: pct_start is
# 0.3), max_lr, then the rate of every step.
"""

STEPS, BATCH = 50, 9
NETWORKS = (("softmax", (12, 7, 5, 4)), ("sigmoid", (20, 6, 1)))
RUNS = (
    # name, lr, momentum, nesterov, weight decay, label smoothing
    ("plain", 0.1, 0.0, 0, 0.0, 0.0),
    ("momentum", 0.1, 0.9, 0, 0.0, 0.0),
    ("nesterov", 0.1, 0.9, 1, 0.0, 0.0),
    ("momentum_decay", 0.1, 0.9, 0, 0.01, 0.0),
    ("smoothing", 0.1, 0.9, 0, 0.0, 0.2),
    ("all", 0.1, 0.9, 1, 0.01, 0.1),
)


# Epochs, steps of an epoch, warm-up epochs, max_lr.
CYCLES = ((4, 10, 0, 0.5), (5, 7, 1.2, 0.1), (3, 4, 3, 1.0), (1, 3, 0, 0.3), (1, 1, 0, 0.3))


def make_model(widths):
    model = torch.nn.Sequential()
    for i in range(1, len(widths)):
        if i > 1:
            model.add_module("relu%d" % (i - 1), torch.nn.ReLU())
        model.add_module("linear%d" % i, torch.nn.Linear(widths[i - 1], widths[i]))
    return model


def make_batches(widths):
    """Random pixels, a third of them 0, with labels that a random linear map of them decides, so
    that there is something to learn."""
    classes = max(widths[-1], 2)
    pixels = torch.randint(0, 256, (STEPS, BATCH, widths[0]), dtype=torch.uint8)
    pixels[torch.rand(pixels.shape) < 1 / 3] = 0
    teacher = torch.randn(widths[0], classes)
    centred = pixels.float() - pixels.float().mean((0, 1))
    return pixels, (centred @ teacher).argmax(-1)


def loss_of(output, logits, labels, smoothing):
    """binary_cross_entropy_with_logits knows no smoothing; its target takes the two classes' place."""
    if output == "softmax":
        return functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    targets = (1 - smoothing) * labels.to(logits.dtype) + smoothing / 2
    return functional.binary_cross_entropy_with_logits(logits[:, 0], targets)


def train(output, model, pixels, labels, lr, momentum, nesterov, decay, smoothing):
    optimizer = torch.optim.SGD(
        model.parameters(), lr=lr, momentum=momentum, nesterov=bool(nesterov), weight_decay=decay
    )
    dtype = next(model.parameters()).dtype
    losses = []
    for x, y in zip(pixels, labels):
        loss = loss_of(output, model(x.to(dtype) / 255), y, smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def hex_float(value):
    """As C's %a writes a float: without the zeros that a double would need."""
    mantissa, exponent = float(value).hex().split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return mantissa + "p" + exponent


def record(*tokens):
    return " ".join(str(t) for t in tokens) + "\n"


def tensors(kind, model):
    for name, tensor in model.state_dict().items():
        rows = tensor.view(-1, tensor.shape[-1])
        yield record(kind, name, *rows.shape, *map(hex_float, rows.flatten().tolist()))


def drift(output, widths, start, pixels, labels, settings, losses):
    """The largest relative distance of the losses from those computed in double."""
    double = make_model(widths).double()
    double.load_state_dict(start)
    exact = train(output, double, pixels, labels, *settings)
    return max(abs(a - b) / abs(b) for a, b in zip(losses, exact))


def network_records(output, widths):
    model = make_model(widths)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    pixels, labels = make_batches(widths)
    yield record("network", output, STEPS, BATCH, len(widths) - 1, *widths)
    yield from tensors("initial", model)
    for step in range(STEPS):
        yield record("pixels", step, *pixels[step].flatten().tolist())
        yield record("labels", step, *labels[step].tolist())
    for name, *settings in RUNS:
        model.load_state_dict(start)
        losses = train(output, model, pixels, labels, *settings)
        away = drift(output, widths, start, pixels, labels, settings, losses)
        print("%s %-15s loss %.4f -> %.4f, float32 is within %.1e of double"
              % (output, name, losses[0], losses[-1], away), file=sys.stderr)
        yield record("run", name, *settings)
        yield record("losses", *map(hex_float, losses))
        yield from tensors("final", model)
    yield record("end")


def one_cycle_record(epochs, steps, warmup, lr):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=lr,
        total_steps=epochs * steps,
        pct_start=warmup / epochs or 0.3,
        cycle_momentum=False,
    )
    rates = []
    for step in range(epochs * steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < epochs * steps:
            scheduler.step()
    return record(epochs, steps, warmup, lr, *map(repr, rates))


def write_file(name, head, lines):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(head.format(version=torch.__version__))
        f.writelines(lines)
    print("%s: %d bytes" % (os.path.normpath(path), os.path.getsize(path)), file=sys.stderr)


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    networks = (line for network in NETWORKS for line in network_records(*network))
    write_file("trajectories.txt", HEADER, networks)
    write_file("one_cycle.txt", ONE_CYCLE_HEADER, (one_cycle_record(*c) for c in CYCLES))


if __name__ == "__main__":
    main()
