#!/usr/bin/env python3
"""Writes the files under tests/fixtures/weights, with the reference libraries as the judge.

  pip install gguf==0.19.0 safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.6.0
  python3 tools/make_fixtures/weights.py          writes tests/fixtures/weights anew

types.gguf              a tensor of every type that is converted, quantised by the gguf package; for the
                        K types, which it only reads, random blocks with finite scales; and more
                        blocks of random bits (<type>.random) for every type that has blocks
types.safetensors       the float32 values that the gguf package makes of types.gguf, under the same names
metadata.gguf           every type of metadata, nested arrays, alignment 64
version2.gguf           metadata.gguf under version 2, which has the same layout
small_floats.safetensors        all 256 values of both 8-bit floats, and some of each other dtype
small_floats_float32.safetensors    their float32 values by ml_dtypes and numpy
shards/                 model.safetensors.index.json and two shards by the safetensors package

Seeds are fixed: running it twice gives the same bytes.
"""

import json
import shutil
import struct
from pathlib import Path

import gguf
import ml_dtypes
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from safetensors import deserialize
from safetensors.numpy import save_file

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "weights"
QUANTISED = (Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.MXFP4)
READ_ONLY = (Type.Q4_K, Type.Q5_K, Type.Q6_K)  # the package has no quantiser for these
# Where the halves stand in a block: random bits there could make infinities and NaN.
HALVES = {Type.Q4_0: (0,), Type.Q4_1: (0, 2), Type.Q5_0: (0,), Type.Q5_1: (0, 2), Type.Q8_0: (0,),
          Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,), Type.MXFP4: ()}


def heavy_tailed(random, shape):
    """Normal numbers with a few outliers, a zero row and a tiny row."""
    values = random.standard_normal(shape).astype(np.float32)
    values.flat[::37] *= 40
    values[0] = 0
    values[1] *= np.float32(1e-6)
    return values


def random_blocks(random, kind, rows, blocks):
    """Blocks of random bits whose halves are finite, subnormal ones included."""
    size = GGML_QUANT_SIZES[kind][1]
    data = random.integers(0, 256, (rows * blocks, size), dtype=np.uint8)
    for at in HALVES[kind]:
        halves = random.integers(0, 0x7C00, rows * blocks, dtype=np.uint16)  # below infinity
        halves |= random.integers(0, 2, rows * blocks, dtype=np.uint16) << 15
        data[:, at:at + 2] = halves.view(np.uint8).reshape(-1, 2)
    return data.reshape(rows, blocks * size)


def write_types():
    random = np.random.default_rng(20261)
    writer = gguf.GGUFWriter(FOLDER / "types.gguf", "llama")
    expected = {}

    def add(name, data, kind):
        writer.add_tensor(name, data, raw_dtype=kind)
        expected[name] = np.ascontiguousarray(gguf.quants.dequantize(data, kind))
        assert expected[name].dtype == np.float32

    values = heavy_tailed(random, (5, 96))
    add("F32", values, Type.F32)
    add("F16", values.astype(np.float16), Type.F16)
    add("BF16", gguf.quants.quantize(values, Type.BF16), Type.BF16)
    for kind in QUANTISED:
        add(kind.name, gguf.quants.quantize(heavy_tailed(random, (5, 96)), kind), kind)
    for kind in READ_ONLY:
        add(kind.name, random_blocks(random, kind, 2, 2), kind)
    for kind in QUANTISED:
        add(kind.name + ".random", random_blocks(random, kind, 2, 8), kind)
    # Every shared exponent of MXFP4, the subnormal and the largest included.
    blocks = random.integers(0, 256, (256, 17), dtype=np.uint8)
    blocks[:, 0] = np.arange(256)
    add("MXFP4.exponents", blocks, Type.MXFP4)
    for name in ("F64", "I8", "I16", "I32", "I64"):
        dtype = {"F64": np.float64}.get(name, getattr(np, "int" + name[1:], None))
        bits = 8 * np.dtype(dtype).itemsize
        numbers = (random.standard_normal((3, 5)) * 1e3 if name == "F64" else
                   random.integers(-2**(bits - 1), 2**(bits - 1), (3, 5), dtype=dtype))
        writer.add_tensor(name, numbers)
        expected[name] = numbers.astype(np.float32)
    writer.add_tensor("three_dimensions", np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    expected["three_dimensions"] = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    finish(writer)
    save_file(expected, FOLDER / "types.safetensors")


def write_metadata():
    writer = gguf.GGUFWriter(FOLDER / "metadata.gguf", "llama")
    writer.add_custom_alignment(64)
    writer.add_uint8("u8", 255)
    writer.add_int8("i8", -128)
    writer.add_uint16("u16", 65535)
    writer.add_int16("i16", -32768)
    writer.add_uint32("u32", 4294967295)
    writer.add_int32("i32", -2147483648)
    writer.add_uint64("u64", 18446744073709551615)
    writer.add_int64("i64", -9223372036854775808)
    writer.add_float32("f32", 0.1)
    writer.add_float64("f64", 0.1)
    writer.add_bool("yes", True)
    writer.add_bool("no", False)
    writer.add_string("text", "größer\n")
    writer.add_array("words", ["a", "", "längst"])
    writer.add_array("numbers", [1, -2, 3])
    writer.add_array("bools", [True, False])
    writer.add_array("nested", [[1, 2], [3], [4, 5, 6]])
    writer.add_array("nested_words", [[["deep"], ["er"]], [["x"]]])
    for name, rows in (("first", 3), ("second", 1)):
        writer.add_tensor(name, np.arange(rows * 5, dtype=np.float32).reshape(rows, 5))
    finish(writer)
    content = bytearray((FOLDER / "metadata.gguf").read_bytes())
    content[4:8] = struct.pack("<I", 2)
    (FOLDER / "version2.gguf").write_bytes(content)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_small_floats():
    random = np.random.default_rng(20262)
    every_byte = np.arange(256, dtype=np.uint8)
    kinds = {"F8_E4M3": ml_dtypes.float8_e4m3fn, "F8_E5M2": ml_dtypes.float8_e5m2,
             "F8_E8M0": ml_dtypes.float8_e8m0fnu}
    stored = {name: (name, every_byte) for name in kinds}
    expected = {name: every_byte.view(kind).astype(np.float32) for name, kind in kinds.items()}
    numbers = random.standard_normal((4, 4)) * 100
    for name, dtype in (("F64", np.float64), ("F32", np.float32), ("F16", np.float16),
                        ("BF16", ml_dtypes.bfloat16), ("I8", np.int8), ("I16", np.int16),
                        ("I32", np.int32), ("I64", np.int64)):
        values = (numbers if "F" in name else np.clip(numbers, -128, 127)).astype(dtype)
        stored[name], expected[name] = (name, values), values.astype(np.float32)
    for name, dtype in (("U8", np.uint8), ("U16", np.uint16), ("U32", np.uint32), ("U64", np.uint64)):
        values = random.integers(0, np.iinfo(dtype).max, (4, 4), dtype=dtype, endpoint=True)
        stored[name], expected[name] = (name, values), values.astype(np.float32)
    stored["BOOL"] = ("BOOL", np.array([1, 0, 1], dtype=np.uint8))
    expected["BOOL"] = np.array([1, 0, 1], dtype=np.float32)
    write_raw(FOLDER / "small_floats.safetensors", stored)
    save_file(expected, FOLDER / "small_floats_float32.safetensors")


def write_raw(path, tensors):
    """By the bytes, for dtypes that numpy lacks."""
    offset, header, data = 0, {}, b""
    for name, (dtype, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(values.shape),
                        "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
        data += values.tobytes()
    text = json.dumps(header).encode()
    content = struct.pack("<Q", len(text)) + text + data
    assert len(deserialize(content)) == len(tensors)  # the reference reads it
    path.write_bytes(content)


def write_shards():
    random = np.random.default_rng(20263)
    folder = FOLDER / "shards"
    folder.mkdir()
    shards = {"model-00001-of-00002.safetensors": ("embed", "layer.0"),
              "model-00002-of-00002.safetensors": ("layer.1", "norm")}
    weight_map, total = {}, 0
    for shard, names in shards.items():
        tensors = {}
        for name in names:
            values = random.integers(-8, 8, (6,) if name == "norm" else (4, 6)).astype(np.float16)
            tensors[name] = values
            weight_map[name] = shard
            total += values.nbytes
        save_file(tensors, folder / shard, {"format": "pt"})
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    np.seterr(over="ignore")  # integers and doubles that float32 rounds to infinity are wanted
    write_types()
    write_metadata()
    write_small_floats()
    write_shards()


if __name__ == "__main__":
    main()
