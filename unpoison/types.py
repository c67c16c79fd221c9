"""Shapes and dtypes of the arrays that modules pass to each other; checked in tests."""

from typing import Any

from jaxtyping import Bool, Float, Int64, Real, UInt8
from numpy import ndarray

# `Any` stands for a NumPy array or a torch tensor: a job without a network need not import torch.
StoredImages = UInt8[ndarray, "n height width 3"]
Images = UInt8[Any, "n 3 height width"]
Pixels = Real[
    Any, "n 3 height width"
]  # inputs of networks: images, or the same levels as floats, for their gradient
NormalisedImages = Float[Any, "n 3 input_height input_width"]
AugmentedImages = UInt8[Any, "batch 3 cropped_height cropped_width"]
Labels = Int64[Any, " n"]
Indices = Int64[Any, " n"]
Mask = Bool[Any, " n"]
Flagged = Int64[Any, " flagged"]  # positions among the training rows
LeftOut = Int64[Any, " left_out"]  # the same
# Options of plug-ins: plain numbers in Python; their ranges are checked while the DAG is built.
PositiveInt = int
PositiveFloat = float
NotNegative = float  # 0 or more
Share = float  # 0 to 1
PositiveShare = float  # above 0, to 1
Several = int  # 2 or more
# In the config: names of other entries of `poisons`. In the plug-in: the file (`poison`) and `options` of each.
Parts = list[dict[str, Any]]
Logits = Float[Any, "n classes"]
