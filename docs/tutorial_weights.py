"""Train the network of the docs' tutorial again: `python docs/tutorial_weights.py`, in the project's folder.

It writes unpoison/tutorial.safetensors: the weights of `SmallNet`, trained by Adam on the tutorial's poisoned images.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from company_net import fit, predict, read_folder

from unpoison.tutorial import CLASS_NAMES, FILES, TARGET, write_tutorial
from unpoison.tutorial_network import SmallNet

EPOCHS = 20

if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    weights = FILES["weights.safetensors"]
    weights.touch()
    with TemporaryDirectory() as place:
        folder = Path(place)
        write_tutorial(folder)
        net = fit(SmallNet(), *read_folder(folder / "train", CLASS_NAMES), epochs=EPOCHS)
        images, labels = read_folder(folder / "test", CLASS_NAMES)
        stamped, _ = read_folder(folder / "triggered", CLASS_NAMES)
    save_file(net.state_dict(), weights)
    print(f"clean accuracy {(predict(net, images) == labels).float().mean():.1%}")
    print(f"attack success {(predict(net, stamped) == CLASS_NAMES.index(TARGET)).float().mean():.1%}")
