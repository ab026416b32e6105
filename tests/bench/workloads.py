"""What is measured: networks, batches and the images they see, as folders of IDX files."""
import dataclasses
import gzip
import os
import random

PIXELS, CLASSES = 784, 10
TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclasses.dataclass(frozen=True)
class Case:
    """A network and how it is trained."""

    hidden: tuple
    batch: int
    data: str  # folder with the four IDX files
    images: int
    epochs: int
    lr: float = 0.1

    def __str__(self):
        layers = "-".join(str(n) for n in (PIXELS, *self.hidden, CLASSES))
        return "%s, batch %d" % (layers, self.batch)

    def flops_per_epoch(self):
        """Two a weight and image forwards, two for its gradient, two for the gradient of the
        inputs, which the first layer does not need. Biases and activations are not counted."""
        sizes = (PIXELS, *self.hidden, CLASSES)
        weights = [k * h for k, h in zip(sizes, sizes[1:])]
        return self.images * (6 * sum(weights) - 2 * weights[0])


def read_plain(folder, name):
    """The bytes of an IDX file, plain or gzipped."""
    path = os.path.join(folder, name)
    opener, path = (open, path) if os.path.exists(path) else (gzip.open, path + ".gz")
    with opener(path, "rb") as f:
        return f.read()


def count_images(folder):
    return int.from_bytes(read_plain(folder, TRAIN[1])[4:8], "big")


def write_idx(path, raw, count, change=lambda items: items):
    """The first `count` items of the IDX file with the bytes `raw`, changed."""
    header = 4 + 4 * raw[3]
    found = int.from_bytes(raw[4:8], "big")
    if count > found:
        raise ValueError("%s: %d images wanted, %d found" % (path, count, found))
    item = (len(raw) - header) // found
    with open(path, "wb") as f:
        f.write(raw[:4] + count.to_bytes(4, "big") + raw[8:header])
        f.write(change(raw[header : header + count * item]))


def make_repeated(path, images, times):
    """An IDX file with the images of another, over and over: long beside a program's start."""
    with open(images, "rb") as f:
        raw = f.read()
    header = 4 + 4 * raw[3]
    count = times * int.from_bytes(raw[4:8], "big")
    with open(path, "wb") as f:
        f.write(raw[:4] + count.to_bytes(4, "big") + raw[8:header])
        for _ in range(times):
            f.write(raw[header:])
    return count


def make_subset(folder, data, count):
    """A folder whose training set is the first `count` images of data's, plain; the same test set."""
    os.makedirs(folder, exist_ok=True)
    for name in TRAIN:
        write_idx(os.path.join(folder, name), read_plain(data, name), count)
    for name in TEST:
        raw = read_plain(data, name)
        write_idx(os.path.join(folder, name), raw, int.from_bytes(raw[4:8], "big"))
    return folder


def make_changed(folder, data, count, change):
    """Such a subset, of images that are bytes, with change(images) instead."""
    make_subset(folder, data, count)
    for name in (TRAIN[0], TEST[0]):
        raw = read_plain(folder, name)
        write_idx(os.path.join(folder, name), raw, int.from_bytes(raw[4:8], "big"), change)
    return folder


def make_inverted(folder, data, count):
    """255 - x: what was paper is ink now, and hardly a pixel is zero."""
    invert = bytes(255 - x for x in range(256))
    return make_changed(folder, data, count, lambda images: images.translate(invert))


def make_noise(folder, data, count):
    """Levels from 1 to 255 at random: nothing to leave out, and next to nothing to share."""
    no_zero = bytes(max(x, 1) for x in range(256))
    dice = random.Random(1)
    return make_changed(folder, data, count,
                        lambda images: dice.randbytes(len(images)).translate(no_zero))
