from __future__ import annotations

from pathlib import Path

import pytest
import torch

from .tiny import make_encoder

torch.set_num_threads(1)  # threads that wait for a busy core cost tiny models ten times their own time


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))
