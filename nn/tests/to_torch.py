"""Loads a network that thalweg-nn saved, in PyTorch, and compares.

    python3 to_torch.py <folder>

The folder holds `F32.safetensors`, `F64.safetensors`, `F16.safetensors` and `BF16.safetensors`, one network in four
formats, and `expected.json`: an input, and what the network made of it in double precision. Needs torch alone.
"""

import json
import pathlib
import struct
import sys

import torch

DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64}


def load(path):
    """The tensors of a safetensors file by name, and its metadata."""
    data = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, place in header.items():
        begin, end = place["data_offsets"]
        numbers = data[8 + length + begin : 8 + length + end]
        tensors[name] = torch.frombuffer(numbers, dtype=DTYPES[place["dtype"]]).reshape(place["shape"])
    return tensors, metadata


class Network(torch.nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.rnn = torch.nn.LSTM(inputs, hidden)
        self.head = torch.nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


def main(folder):
    files = {dtype: load(folder / f"{dtype}.safetensors") for dtype in DTYPES}
    expected = json.loads((folder / "expected.json").read_text())
    net = Network(*expected["sizes"]).double()
    x, y = (torch.tensor(expected[key]["data"]).double().reshape(expected[key]["shape"]) for key in ("input", "output"))
    for dtype, tolerance in (("F64", 1e-12), ("F32", 1e-6)):
        tensors, metadata = files[dtype]
        assert metadata == {"format": "pt", "note": 'ä "quoted"'}, metadata
        net.load_state_dict(tensors)
        error = (net(x) - y).abs().max().item()
        assert error <= tolerance, f"{dtype}: the outputs differ by {error}"
    for dtype in ("F16", "BF16"):
        for name, tensor in files["F32"][0].items():
            assert torch.equal(files[dtype][0][name], tensor.to(DTYPES[dtype])), f"{dtype}: {name} is rounded otherwise"
    print("the same in PyTorch", torch.__version__)


if __name__ == "__main__":
    # Exact decimals: json reads a number as a double, and torch.tensor would make it single.
    torch.set_default_dtype(torch.float64)
    main(pathlib.Path(sys.argv[1]))
