"""A service whose model is a file of ONNX, which needs no library of the training to serve."""

from tests.machine.towns import PATIENT

TRAINED = PATIENT.replace("model: rain:Rain", "train: python rain.py")
ONNX = '''\
"""It rains when it is humid. VERSION"""

import os

import onnx
from onnx import TensorProto, helper

graph = helper.make_graph(
    [
        helper.make_node("Gather", ["x", "first"], ["humidity"], axis=1),
        helper.make_node("Greater", ["humidity", "half"], ["rains"]),
        helper.make_node("Cast", ["rains"], ["prediction"], to=TensorProto.INT64),
    ],
    "rain",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
    [helper.make_tensor_value_info("prediction", TensorProto.INT64, [None])],
    [
        helper.make_tensor("first", TensorProto.INT64, [], [0]),
        helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.save(model, os.path.join(os.environ["WINDLASS_OUTPUT"], "model.onnx"))
'''
