#!/usr/bin/env python3
"""Writes tests/fuzz/corpus/<target>/: small files that reach each check of each reader.

Right ones of every kind, then what each reader has to refuse, one thing wrong at a time. libFuzzer
starts from them; scripts/test.sh reads them all again under sanitizers. What fuzzing finds gets a
line here, so that it stays found. Needs nothing but Python.
"""
import base64
import json
import os
import shutil
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = (b"\0", b"\1", b"\2", b"\3")  # fuzz_image.c: 2 x 3, 6, 1 x 1, 28 x 28


def write(target, name, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)


def gzip_member(data, level=0, crc=None, length=None):
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = packer.compress(data) + packer.flush()
    crc = zlib.crc32(data) if crc is None else crc
    length = len(data) if length is None else length
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + body + struct.pack("<II", crc, length)


# ---- configs ----

WHOLE_CONFIG = {
    "$schema": "schema.json", "name": "mnist", "seed": 1,
    "data": {"dir": "../data/mnist", "train_images": "a", "train_labels": "b", "test_images": "c",
             "test_labels": "d", "labels": [0, 1, 2], "class_names": ["zero", "one", "zwei \u00e9"],
             "validation_fraction": 0.1, "shuffle": True, "preprocess": "none"},
    "model": {"hidden": [128, 64], "activation": "relu", "output": "softmax",
              "init": "kaiming_uniform", "init_from": "weights.safetensors",
              "dropout": {"input": 0, "hidden": 0}},
    "train": {"epochs": 10, "batch_size": 128, "precision": "fp32",
              "sgd": {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4},
              "schedule": {"type": "cosine", "warmup_epochs": 0.5},
              "label_smoothing": 0, "class_weights": "none",
              "early_stopping": {"metric": "validation_loss", "patience": 0},
              "checkpoint": {"every_epochs": 1, "every_seconds": 0}},
    "run": {"dir": "runs", "threads": 2, "tensorboard": False},
}

CONFIGS = {
    "whole": json.dumps(WHOLE_CONFIG, indent=1),
    "smallest": '{"data": {"dir": "."}}',
    "sigmoid": '{"model": {"output": "sigmoid", "positive_label": 8, "hidden": []}}',
    "nulls": '{"name": null, "data": {"dir": null, "labels": null}, "run": {"dir": null}}',
    "set": "--set=train.sgd.lr=0.05",
    "set-bare-word": "--set=data.dir=somewhere",
    "set-unknown": "--set=train.sgd.lrr=1",
    "set-array": "--set=model.hidden=[1, 2, 3]",
    "unknown-key": '{"trian": {}}',
    "duplicate-key": '{"seed": 1, "se\\u0065d": 2}',
    "wrong-types": '{"seed": "1", "train": []}',
    "out-of-range": '{"train": {"sgd": {"lr": -1}}}',
    "huge-number": '{"seed": 1e999}',
    "large-integer": '{"seed": 9007199254740993}',
    "long-number": '{"seed": 0.' + "1" * 80 + "}",
    "leading-zero": '{"seed": 01}',
    "escapes": '{"name": "\\u00e9\\ud83d\\ude00\\n\\"\\\\\\/\\b\\f\\r\\t"}',
    "lone-surrogate": '{"name": "\\ud83d"}',
    "nul-escape": '{"name": "a\\u0000b"}',
    "nul-byte": '{"name": "a\0b"}',
    "not-utf8": b'{"name": "\xff\xfe"}',
    "overlong-utf8": b'{"name": "\xc0\xaf"}',
    "byte-order-mark": b"\xef\xbb\xbf{}",
    "control-character": '{"name": "a\tb"}',
    "deep-arrays": "[" * 65,
    "deep-objects": '{"a":' * 65,
    "as-deep-as-allowed": "[" * 64 + "]" * 64,
    "comment": '{"seed": 1 // one\n}',
    "trailing-comma": '{"seed": 1,}',
    "two-values": "{} {}",
    "empty": "",
    "spaces": " \t\r\n",
    "array": "[1, 2]",
    "many-labels": '{"data": {"labels": %s}}' % json.dumps(list(range(257))),
    "label-twice": '{"data": {"labels": [1, 2, 1]}}',
}


# ---- IDX ----

def idx(dims, data=None, kind=8):
    count = 1
    for size in dims:
        count *= size
    data = bytes(i * 37 % 256 for i in range(count)) if data is None else data
    return bytes([0, 0, kind, len(dims)]) + b"".join(struct.pack(">I", d) for d in dims) + data


MOST = 0xFFFFFFFF
IDX_FILES = {
    "labels": idx([5]),
    "images": idx([3, 2, 3]),
    "rank8": idx([1, 2, 1, 2, 1, 2, 1, 2]),
    "mnist-shape": idx([2, 28, 28]),
    "one-byte": idx([1]),
    "type-float": idx([2], kind=13),
    "type-unknown": idx([2], kind=7),
    "rank0": idx([]),
    "rank9": idx([1] * 9),
    "size0": idx([2, 0, 3]),
    "overflow": idx([MOST, MOST, MOST], b"x"),
    "wraps-to-0": idx([1 << 31, 1 << 31, 4], b""),
    "claims-2-31": idx([1 << 31, 28, 28], b"x"),
    "cut-header": idx([3, 2, 3])[:9],
    "cut-data": idx([3, 2, 3])[:-1],
    "trailing": idx([3, 2, 3]) + b"x",
    "web-page": "<!doctype html>",
    "empty": b"",
}
GZIP_FILES = {
    "two-members": gzip_member(idx([5])[:6]) + gzip_member(idx([5])[6:]),
    "empty-member": gzip_member(b"") + gzip_member(idx([5])),
    "bad-crc": gzip_member(idx([5]), crc=0),
    "bad-length": gzip_member(idx([5]), length=0),
    "cut-gzip": gzip_member(idx([5]))[:-3],
    "trailing-zeros": gzip_member(idx([5])) + b"\0\0",
    "magic-only": b"\x1f\x8b",
    "bad-method": b"\x1f\x8b\x07" + bytes(20),
    "extra-field": b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x02\0ab" + gzip_member(idx([5]))[10:],
    "claims-2-31-gz": gzip_member(idx([1 << 31, 28, 28], b"x")),
    # A length code that RFC 1951 reserves, where 258 is meant: libdeflate reads it, zlib does not.
    "reserved-code": base64.b64decode("H4sIAAAAAAAAA2Ng4GBkYGAWiBoHo2AUwAEAr5vYVxgDAAA="),
    "bomb": gzip_member(idx([1], b"\1" + bytes(1 << 20)), 9),
}


# ---- images ----

IMAGES = {
    "raw": bytes(range(6)),
    "raw-two": bytes(range(12)),
    "raw-cut": bytes(range(7)),
    "idx": idx([3, 2, 3]),
    "idx-other-size": idx([3, 4, 4]),
    "p5": b"P5\n# a comment\n3 2\n255\n" + bytes(range(6)),
    "p5-two": (b"P5 3 2 200 " + bytes(range(6))) * 2,
    "p5-cut": b"P5 3 2 255\n" + bytes(4),
    "p5-above-maxval": b"P5 3 2 7\n" + bytes(range(5, 11)),
    "p5-16-bit": b"P5 3 2 65535\n" + bytes(12),
    "p5-maxval-0": b"P5 3 2 0\n" + bytes(6),
    "p5-huge": b"P5 4294967297 2 255\n" + bytes(6),
    "p5-transposed": b"P5 2 3 255\n" + bytes(6),
    "p2": b"P2\n3 2\n15\n0 1 2\n3 # four\n4 15\n",
    "p2-cut": b"P2 3 2 255 1 2",
    "p2-letter": b"P2 3 2 255 1 2 x",
    "p2-endless-comment": b"P2 #" + b"-" * 100,
    "png": b"\x89PNG\r\n\x1a\n" + bytes(8),
    "jpeg": b"\xff\xd8\xff" + bytes(8),
    "ppm": b"P6\n1 1\n255\nabc",
    "empty": b"",
}


# ---- metrics ----

def line(event, epoch=None):
    value = {"event": event} if epoch is None else {"event": event, "epoch": epoch, "loss": 0.5}
    return json.dumps(value) + "\n"


DIARY = line("start") + line("epoch", 1) + line("epoch", 2) + line("epoch", 3) + line("end")
METRICS = {
    "whole": "\3" + DIARY,
    "later-epochs": "\1" + DIARY,
    "torn": "\2" + DIARY[:-9],
    "no-newline": "\2" + line("start") + line("epoch", 1)[:-1],
    "joined": "\2" + line("start")[:-1] + DIARY,
    "no-object": "\2[1]\n3\n\"a\"\nnull\n",
    "odd-events": '\2{"event": 1}\n{"event": "epoch", "epoch": "1"}\n{"epoch": -1}\n{}\n',
    "blank-lines": "\2\n\n" + line("start") + "\r\n",
    "nul-bytes": "\2\0\0\n" + line("start") + '{"a": "\0"}\n',
    "deep": "\2" + "[" * 70 + "\n",
    "empty": "\2",
}


# ---- checkpoints ----

def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).replace(": ", ":").encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def floats(n):
    return struct.pack("<%df" % n, *(((i * 5) % 11 - 5) / 8 for i in range(n)))


def network(widths, prefix="", begin=0):
    """Entries of the tensors, and where they end."""
    entries = {}
    for i in range(1, len(widths)):
        for kind, shape in (("weight", [widths[i], widths[i - 1]]), ("bias", [widths[i]])):
            count = shape[0] * (shape[1] if kind == "weight" else 1)
            entries["%slinear%d.%s" % (prefix, i, kind)] = {
                "dtype": "F32", "shape": shape, "data_offsets": [begin, begin + 4 * count]}
            begin += 4 * count
    return entries, begin


def foreign(widths=(6, 4, 3)):
    entries, end = network(widths)
    return entries, floats(end // 4)


def metadata(data, widths, more=None):
    outputs = widths[-1]
    values = {
        "mlp.version": "1.0", "mlp.config": '{"data":{"dir":"."}}',
        "mlp.class_names": json.dumps([str(i) for i in range(max(outputs, 2))]),
        "mlp.preprocess": "none", "mlp.input_shape": "[2,3]",
        "mlp.output": "sigmoid" if outputs == 1 else "softmax",
        "mlp.crc32": "%08x" % zlib.crc32(data)}
    values.update(more or {})
    return values


def best(widths=(6, 4, 3), more=None):
    entries, data = foreign(widths)
    return safetensors({"__metadata__": metadata(data, widths, more), **entries}, data)


def last(widths=(6, 4, 3), more=None):
    parameters, end = network(widths)
    velocities, end = network(widths, "velocity.", end)
    data = floats(end // 4)
    progress = {
        "mlp.epoch": "3", "mlp.step": "30", "mlp.step_in_epoch": "0",
        "mlp.labels_crc": "3703936568", "mlp.loss_sum": "0x1.8p+4",
        "mlp.correct": "7", "mlp.norm_sum": "0x1p+0", "mlp.best_epoch": "2",
        "mlp.best_value": "0x1p-1",
        "mlp.layer_norm_sums": " ".join(["0x1p+0"] * (len(widths) - 1))}
    progress.update(more or {})
    return safetensors({"__metadata__": metadata(data, widths, progress), **parameters,
                        **velocities}, data)


def entry(begin, end, shape=(1,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def altered(**changes):
    """A foreign network with other entries."""
    entries, data = foreign()
    for name, value in changes.items():
        entries["linear" + name.replace("_", ".")] = value
    return safetensors(entries, data)


def with_value(value):
    entries, data = foreign()
    return safetensors(entries, struct.pack("<f", value) + data[4:])


def many_tensors(n):
    return safetensors({"t%d" % i: entry(4 * i, 4 * i + 4) for i in range(n)}, floats(n))


WIDE = 1 << 62
CHECKPOINTS = {
    "best": best(),
    "best-sigmoid": best((6, 1)),
    "last": last(),
    "last-one-layer": last((6, 2)),
    "foreign": safetensors(*foreign()),
    "foreign-784": safetensors(*foreign((784, 2))),
    "wrong-crc": best(more={"mlp.crc32": "00000000"}),
    "wrong-names": best(more={"mlp.class_names": '["a"]'}),
    "names-no-json": best(more={"mlp.class_names": "[["}),
    "names-numbers": best(more={"mlp.class_names": "[1,2,3]"}),
    "wrong-shape": best(more={"mlp.input_shape": "[4294967295,4294967295,6]"}),
    "wrong-rank": best(more={"mlp.input_shape": "[6,1,1,1,1,1,1,1,1]"}),
    "wrong-output": best(more={"mlp.output": "sigmoid"}),
    "wrong-preprocess": best(more={"mlp.preprocess": "crop"}),
    "wrong-epoch": last(more={"mlp.epoch": "-1"}),
    "epoch-too-large": last(more={"mlp.epoch": "18446744073709551616"}),
    "wrong-sum": last(more={"mlp.loss_sum": "nan"}),
    "sums-too-few": last(more={"mlp.layer_norm_sums": "0x1p+0"}),
    "sums-too-many": last(more={"mlp.layer_norm_sums": "1 2 3"}),
    "nan": with_value(float("nan")),
    "infinity": with_value(float("inf")),
    "overlap": altered(**{"1_bias": entry(0, 16, (4,))}),
    "gap": altered(**{"1_bias": entry(100, 116, (4,))}),
    "backwards": altered(**{"1_bias": entry(112, 96, (4,))}),
    "beyond-the-end": altered(**{"2_bias": entry(160, 1 << 40, (3,))}),
    "offset-wraps": altered(**{"2_bias": entry(160, (1 << 64) - 1, (3,))}),
    "shape-wraps": altered(**{"1_weight": entry(0, 96, (WIDE, 4, 6))}),
    "shape-wraps-to-0": altered(**{"1_weight": entry(0, 0, (1 << 32, 1 << 32))}),
    "size-0": altered(**{"1_weight": entry(0, 0, (0, 6))}),
    "rank-9": altered(**{"1_weight": entry(0, 96, (1,) * 9)}),
    "rank-0": altered(**{"1_weight": entry(0, 4, ())}),
    "half": altered(**{"1_weight": entry(0, 96, (4, 6), "F16")}),
    "no-dtype": altered(**{"1_weight": {"shape": [4, 6], "data_offsets": [0, 96]}}),
    "three-offsets": altered(**{"1_weight": {"dtype": "F32", "shape": [4, 6],
                                             "data_offsets": [0, 96, 96]}}),
    "negative-offset": altered(**{"1_weight": entry(-1, 96, (4, 6))}),
    "entry-no-object": altered(**{"1_weight": 7}),
    "other-widths": altered(**{"1_bias": entry(96, 112, (2, 2))}),
    "stranger": altered(**{"9_weight": entry(176, 176, (0,))}),
    "too-many-tensors": many_tensors(64),
    "257-classes": safetensors(*foreign((1, 257))),
    "metadata-no-object": safetensors({"__metadata__": []}),
    "metadata-no-string": safetensors({"__metadata__": {"format": 1}}),
    "header-array": safetensors(b"[]"),
    "header-deep": safetensors(b"[" * 65),
    "header-no-json": safetensors(b"this is no checkpoint"),
    "header-twice": safetensors(b'{"a":1,"a":1}'),
    "header-empty": safetensors(b""),
    "empty-object": safetensors(b"{}"),
    "length-too-large": safetensors(b"{}", length=1 << 63),
    "length-one-more": safetensors(b"{}", length=3),
    "cut-length": b"\x10\0\0",
    "cut-data": best()[:-1],
    "foreign-cut": safetensors(foreign()[0], foreign()[1][:-4]),
    "trailing": best() + b"x",
    "empty": b"",
}


def main():
    shutil.rmtree(os.path.join(HERE, "corpus"), ignore_errors=True)
    for name, data in CONFIGS.items():
        write("config", name, data)
    for name, data in IDX_FILES.items():
        write("idx", name, data)
        write("idx", name + ".gz", gzip_member(data if isinstance(data, bytes) else data.encode()))
    for name, data in GZIP_FILES.items():
        write("idx", name, data)
    for name, data in IMAGES.items():
        write("image", name, MODELS[0] + data)
        write("image", name + "-flat", MODELS[1] + data)
        write("image", name + "-three", b"\x08" + data)  # three at once
    write("image", "one-pixel", MODELS[2] + b"P2 1 1 1 1 P5 1 1 9 \t")
    write("image", "mnist", MODELS[3] + idx([2, 28, 28]))
    write("image", "gzip", MODELS[0] + gzip_member(IMAGES["p2"]))
    write("image", "gzip-bad-crc", MODELS[0] + gzip_member(IMAGES["p5"], crc=1))
    for name, data in METRICS.items():
        write("metrics", name, data)
    for name, data in CHECKPOINTS.items():
        write("safetensors", name, data)


if __name__ == "__main__":
    main()
