"""Checkpoints to and from PyTorch through the safetensors package; run.sh calls it.

Draws a small data set, trains on it with the program given as argument, and holds its files and
figures against PyTorch's. Prints a line for each test and closes with "N passed, N failed".
"""
import gzip
import json
import os
import subprocess
import sys
import tempfile
import traceback

import numpy
import torch
import torch.nn as nn
from safetensors.torch import load_file, save_file

MLP = sys.argv[1]


class NeuralNet2(nn.Module):
    """The network of the seed notes."""

    def __init__(self, input_size, hidden_size, num_classes):
        super().__init__()
        self.linear1 = nn.Linear(input_size, hidden_size)
        self.relu = nn.ReLU()
        self.linear2 = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        return self.linear2(self.relu(self.linear1(x)))


def mlp(*arguments):
    return subprocess.run([MLP, *arguments], check=True, stdout=subprocess.PIPE).stdout.decode()


def read_idx(path, header):
    with gzip.open(path) as f:
        return numpy.frombuffer(f.read(), dtype=numpy.uint8, offset=header).copy()


def drawn_images():
    pixels = read_idx("digits/t10k-images-idx3-ubyte.gz", 16).reshape(-1, 784)
    return torch.from_numpy(pixels).float() / 255


def drawn_labels():
    return torch.from_numpy(read_idx("digits/t10k-labels-idx1-ubyte.gz", 8)).long()


def train(out, *settings):
    config = {"data": {"dir": "digits"}, "train": {"epochs": 3, "batch_size": 32}}
    with open("config.json", "w") as f:
        json.dump(config, f)
    command = ["train", "-q", "--config", "config.json", "--out", out]
    for setting in settings:
        command += ["--set", setting]
    mlp(*command)


def close(a, b, tolerance):
    assert abs(a - b) <= tolerance * max(1.0, abs(b)), (a, b)


def test_our_checkpoint_gives_pytorch_the_same_logits():
    train("three", "data.labels=[0,1,2]", "model.hidden=[5]")
    net = NeuralNet2(784, 5, 3)
    net.load_state_dict(load_file("three/best.safetensors"))
    lines = mlp("predict", "--checkpoint", "three/best.safetensors", "--top-k", "3", "--format",
                "json", "digits/t10k-images-idx3-ubyte.gz").splitlines()
    with torch.no_grad():
        logits = net(drawn_images()).double()
    assert len(lines) == len(logits)
    for line, row in zip(lines, logits):
        # Logits up to a constant: the logarithms of the probabilities.
        ours = torch.empty(3, dtype=torch.float64)
        for entry in json.loads(line)["top"]:
            ours[int(entry["class"])] = entry["probability"]
        assert torch.allclose(ours, torch.softmax(row, 0), rtol=1e-4, atol=1e-7), (ours, row)
        likely = ours > 1e-6
        difference = (torch.log(ours) - row)[likely]
        assert (difference - difference[0]).abs().max() < 1e-3, (ours, row)
        assert json.loads(line)["class"] == str(int(row.argmax()))


def test_last_holds_weights_and_velocities():
    tensors = load_file("three/last.safetensors")
    best = load_file("three/best.safetensors")
    for name, tensor in best.items():
        assert torch.equal(tensors[name], tensor)
        assert tensors["velocity." + name].shape == tensor.shape
    assert len(tensors) == 2 * len(best)


def evaluate_as_pytorch(net, head):
    save_file(net.state_dict(), "foreign.safetensors")
    result = json.loads(mlp("eval", "--checkpoint", "foreign.safetensors", "--data", "digits",
                            "--format", "json"))
    images, labels = drawn_images(), drawn_labels()
    with torch.no_grad():
        loss, predictions = head(net(images), labels)
    close(result["loss"], loss.item(), 1e-5)
    close(result["accuracy"], (predictions == labels).float().mean().item(), 1e-6)


def test_a_pytorch_checkpoint_evaluates_here():
    torch.manual_seed(1)
    evaluate_as_pytorch(
        NeuralNet2(784, 33, 10),
        lambda logits, labels: (nn.functional.cross_entropy(logits, labels), logits.argmax(1)))


def test_training_starts_from_pytorch_weights():
    torch.manual_seed(2)
    net = NeuralNet2(784, 17, 10)
    save_file(net.state_dict(), "start.safetensors")
    train("started", "model.hidden=[17]", "model.init_from=start.safetensors",
          "train.sgd.lr=1e-30")
    for name, tensor in load_file("started/best.safetensors").items():
        assert torch.equal(tensor, net.state_dict()[name]), name


def test_the_sigmoid_head_has_pytorchs_loss():
    train("binary", "model.hidden=[6]", "model.output=sigmoid", "model.positive_label=8")
    net = NeuralNet2(784, 6, 1)
    net.load_state_dict(load_file("binary/best.safetensors"))
    result = json.loads(mlp("eval", "--checkpoint", "binary/best.safetensors", "--format", "json"))
    is_eight = (drawn_labels() == 8).float()
    with torch.no_grad():
        logits = net(drawn_images())[:, 0]
    close(result["loss"], nn.functional.binary_cross_entropy_with_logits(logits, is_eight).item(),
          1e-5)
    close(result["accuracy"], ((logits > 0).float() == is_eight).float().mean().item(), 1e-6)


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        mlp("data", "make-digits", "--out", "digits", "--train", "600", "--test", "200")
        for name, function in list(globals().items()):
            if not name.startswith("test_"):
                continue
            try:
                function()
                passed += 1
                print("passed", name)
            except Exception:
                failed += 1
                print("FAILED", name)
                traceback.print_exc(file=sys.stdout)
        os.chdir("/")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
