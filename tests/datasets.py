"""Where real data for tests lies: a variable says it, else the folder ../shared/data."""

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"
DEFAULTS = {  # listed in docs/testing.md too
    "AZURE_TRACE": "AzureLLMInferenceTrace_conv.csv",
    "SERVEGEN_WINDOWS": "servegen_language_windows.parquet",
    "MOONCAKE_TRACE": "mooncake_conversation_trace.jsonl",
    "SCALING_TRACES": "",
    "M4_HOURLY": "m4_hourly_train.parquet",
    "HASH_VECTORS": "growthbook_hash_vectors.json",
    "HPA_CASES": "kubernetes/hpa_examples.json",
    "HPA_SEQUENCES": "kubernetes/hpa_sequences_sample.jsonl",
    "VPA_CASES": "kubernetes/vpa_examples.json",
    "NAB_ROOT": "nab_half",
    "EXPERIMENT_CASES": "experiment_reference_sample.json",
    "EXPERIMENT_SERIES": "asos_experiments_half.parquet",
    "ROUTING_DATA": "routing_mmlu_half.parquet",
}


def dataset_path(variable: str) -> Path:
    """The file or folder that the variable names, or its default; it may not exist."""
    return Path(os.environ.get(variable) or FOLDER / DEFAULTS[variable])


def dataset(variable: str) -> Path:
    """The file or folder that the variable names; skips the test where there is none."""
    path = dataset_path(variable)
    if not path.exists():
        pytest.skip(f"no data at {path} (set {variable})")
    return path
