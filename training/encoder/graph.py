"""The encoder as an ONNX graph: embeddings, transformer layers, masked mean pooling and L2 norm in one file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.encoder.wheel import Weights

OPSET = 21


class _Graph:
    """Collects nodes and initialisers; `add` returns the name of a node's output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray | float | int | Sequence[int], dtype: type | None = None) -> str:
        array = np.ascontiguousarray(np.asarray(value, dtype))
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, operation: str, *inputs: str, **attributes: object) -> str:
        output = f"{operation}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [output], name=output, **attributes))
        return output

    def split(self, value: str, parts: int, *, axis: int) -> list[str]:
        """Cut `value` into equal `parts` along `axis`."""
        names = [f"Split_{len(self.nodes)}_{i}" for i in range(parts)]
        node = helper.make_node("Split", [value], names, name=f"Split_{len(self.nodes)}", axis=axis, num_outputs=parts)
        self.nodes.append(node)
        return names


def build_graph(weights: Weights, keep: Sequence[int]) -> onnx.ModelProto:
    """Return a model `input_ids`, `attention_mask` (int64, batch x length) -> `embedding` (float32, batch x hidden)."""
    g, t, hidden = _Graph(), weights.tensors, weights.hidden
    size = hidden // weights.heads
    g.constant("one", [1], np.int64), g.constant("zero", [0], np.int64)
    heads_shape = g.constant("heads_shape", [0, 0, 3 * weights.heads, size], np.int64)
    flat_shape = g.constant("flat_shape", [0, 0, hidden], np.int64)
    scale = g.constant("scale", 1 / np.sqrt(size), np.float32)

    word = g.add("Gather", g.constant("word", t["emb.word"][list(keep)]), "input_ids", axis=0)
    length = g.add("Slice", g.add("Shape", "input_ids"), "one", g.constant("two", [2], np.int64))
    place = g.add("Slice", g.constant("position", t["emb.pos"] + t["emb.type"][0]), "zero", length)
    x = _norm(g, g.add("Add", word, place), "emb.ln", t, weights.epsilon)

    mask = g.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    wide = g.add("Unsqueeze", mask, g.constant("axes12", [1, 2], np.int64))
    off = g.add("Sub", g.constant("float_one", 1.0, np.float32), wide)
    bias = g.add("Mul", off, g.constant("minus", -1e9, np.float32))

    for layer in range(weights.layers):
        key = f"l{layer}"

        def project(names: Sequence[str], value: str, key: str = key) -> str:
            """One matrix product for all of `names`: their outputs lie side by side."""
            label = "".join(names)
            weight = g.constant(f"{key}.{label}.w", np.hstack([t[f"{key}.{n}.w"].T for n in names]))
            bias = g.constant(f"{key}.{label}.b", np.concatenate([t[f"{key}.{n}.b"] for n in names]))
            return g.add("Add", g.add("MatMul", value, weight), bias)

        together = g.add("Reshape", project(("q", "k", "v"), x), heads_shape)
        q, k, v = g.split(together, 3, axis=2)
        q = g.add("Transpose", q, perm=[0, 2, 1, 3])
        k = g.add("Transpose", k, perm=[0, 2, 3, 1])
        v = g.add("Transpose", v, perm=[0, 2, 1, 3])
        attention = g.add("Softmax", g.add("Add", g.add("Mul", g.add("MatMul", q, k), scale), bias), axis=-1)
        mixed = g.add("Transpose", g.add("MatMul", attention, v), perm=[0, 2, 1, 3])
        mixed = project(("ao",), g.add("Reshape", mixed, flat_shape))
        x = _norm(g, g.add("Add", mixed, x), f"{key}.aln", t, weights.epsilon)
        inner = g.add("Gelu", project(("fi",), x), approximate="none")
        x = _norm(g, g.add("Add", project(("fo",), inner), x), f"{key}.oln", t, weights.epsilon)

    column = g.add("Unsqueeze", mask, g.constant("axis2", [2], np.int64))
    axis1 = g.constant("axis1", [1], np.int64)
    total = g.add("ReduceSum", g.add("Mul", x, column), axis1, keepdims=0)
    mean = g.add("Div", total, g.add("ReduceSum", column, axis1, keepdims=0))
    square = g.add("ReduceSum", g.add("Mul", mean, mean), axis1, keepdims=1)
    norm = g.add("Sqrt", g.add("Add", square, g.constant("tiny", 1e-12, np.float32)))
    g.nodes.append(helper.make_node("Div", [mean, norm], ["embedding"], name="embedding"))
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "s"]) for n in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["b", hidden])]
    graph = helper.make_graph(g.nodes, "encoder", inputs, outputs, g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def _norm(g: _Graph, value: str, key: str, tensors: dict[str, NDArray[np.float32]], epsilon: float) -> str:
    scale, bias = (g.constant(f"{key}.{p}", tensors[f"{key}.{p}"]) for p in "wb")
    return g.add("LayerNormalization", value, scale, bias, axis=-1, epsilon=epsilon)
