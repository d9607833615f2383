"""What must hold before a model is even judged."""

import unittest

import pyarrow as pa
from train import features


class TestFeatures(unittest.TestCase):
    """`python -m unittest -q` runs this in the build's environment."""

    def test_the_model_sees_neither_the_label_nor_the_person(self) -> None:
        """Only what a caller knows beforehand becomes a feature."""
        table = pa.table({"person": [7, 8], "disea": [10.5, 0.0], "hlthp": [0, 1], "any_visit": [1, 0]})
        self.assertEqual([[10.5, 0.0], [0.0, 1.0]], features(table).tolist())


if __name__ == "__main__":
    unittest.main()
