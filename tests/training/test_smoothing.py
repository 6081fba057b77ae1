"""Evening out loud channels changes no result before rounding, and makes rounding harmless."""

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.encoder.smoothing import loudness, smooth


def product(weights: NDArray[np.float32]) -> onnx.ModelProto:
    rows, columns = weights.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        "one product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", rows])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", columns])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def run(model: onnx.ModelProto, x: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def rounded(x: NDArray[np.float32], steps: int = 255) -> NDArray[np.float32]:
    step = (x.max() - x.min()) / steps
    return np.round(x / step) * step


def test_a_loud_channel_is_evened_out_without_changing_the_result() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(16, 8)).astype(np.float32)
    x = rng.normal(size=(20, 16)).astype(np.float32)
    x[:, 3] *= 200
    model = product(weights)
    loud = loudness(model, [{"x": row[None, :]} for row in x])
    assert loud["x"].argmax() == 3
    even = smooth(model, loud)
    np.testing.assert_allclose(run(even, x), run(model, x), rtol=1e-3, atol=1e-2)
    factor = numpy_helper.to_array(next(c for c in even.graph.initializer if c.name.endswith(".smooth")))
    moved = numpy_helper.to_array(next(c for c in even.graph.initializer if c.name == "w"))
    exact, plain, smoothed = x @ weights, rounded(x) @ weights, rounded(x * factor) @ moved
    assert np.abs(smoothed - exact).mean() < 0.5 * np.abs(plain - exact).mean()
