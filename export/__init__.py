"""From torch to a verified bundle: ONNX graphs, quantisation, parity proof."""
