"""scikit-learn's side of scripts/bench_peers.sh: MLPClassifier with mlp's network and settings.

An epoch is one partial_fit over the images, which are float32 arrays before the clock starts;
partial_fit shuffles and goes through them in batches, as fit does. Prints one JSON object.
"""
import argparse
import gzip
import json
import os
import sys
import time

import numpy
import sklearn
from sklearn.neural_network import MLPClassifier

from peak_memory import peak_kib


def read_idx(path):
    opener, name = (open, path) if os.path.exists(path) else (gzip.open, path + ".gz")
    with opener(name, "rb") as f:
        raw = f.read()
    count = int.from_bytes(raw[4:8], "big")
    return numpy.frombuffer(raw, dtype=numpy.uint8, offset=4 + 4 * raw[3]).reshape(count, -1)


def load(folder, part):
    images = read_idx(os.path.join(folder, part + "-images-idx3-ubyte"))
    labels = read_idx(os.path.join(folder, part + "-labels-idx1-ubyte"))
    return images.astype(numpy.float32) / numpy.float32(255), labels.ravel()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder with the four MNIST files")
    parser.add_argument("--hidden", type=int, nargs="+", default=[128])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()

    images, labels = load(args.data, "train")
    model = MLPClassifier(
        hidden_layer_sizes=args.hidden, solver="sgd", batch_size=args.batch,
        learning_rate_init=args.lr, momentum=0.9, nesterovs_momentum=False, alpha=0.0,
        random_state=1,
    )
    seconds = []
    for _ in range(args.epochs):
        start = time.perf_counter()
        model.partial_fit(images, labels, classes=numpy.arange(10))
        seconds.append(time.perf_counter() - start)
    peak = peak_kib()
    result = {
        "version": sklearn.__version__,
        "seconds": seconds,
        "test_accuracy": model.score(*load(args.data, "t10k")),
        "peak_kib": peak,
    }
    json.dump(result, sys.stdout)
    print()


if __name__ == "__main__":
    main()
