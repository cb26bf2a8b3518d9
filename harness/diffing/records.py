"""The figures of a scan, token by token, in a folder of parquet files.

One row a token of a reply, in the order of the corpus. Knows columns and files; knows no models.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.diffing.corpus import CorpusPrompt
from harness.diffing.scan import Scanned
from harness.errors import AnalysisError

_NAME = pa.dictionary(pa.int32(), pa.string())

SCHEMA = pa.schema(
    [
        ("prompt_id", _NAME),
        ("reply", pa.int32()),
        ("source", _NAME),
        ("position", pa.int32()),
        ("token_id", pa.int32()),
        ("token", _NAME),
        ("kl_nats", pa.float32()),
        ("difference_nats", pa.float32()),
        ("target_logp_nats", pa.float32()),
        ("promoted_id", pa.int32()),
        ("promoted", _NAME),
        ("demoted_id", pa.int32()),
        ("demoted", _NAME),
    ]
)
"""Columns of a scan's records:

- ``prompt_id``: as in the corpus; ``reply``: its place among the prompt's replies, from 0;
- ``source``: whose words it is (see ``KnownText``); ``position``: from the reply's start, from 0;
- ``token_id``, ``token``: what stands there, decoded by itself;
- ``kl_nats``: KL(target, baseline) of the next-token distributions that it is drawn by;
- ``difference_nats``: log p(target) - log p(baseline) of it; ``target_logp_nats``: log p(target);
- ``promoted_id``, ``promoted``: the token that the change adds most probability to there, and
  ``demoted_id``, ``demoted`` the one that it takes most from.
"""

Texts = Callable[[Sequence[int]], list[str]]
"""From ids to their texts, each decoded by itself."""


def to_table(prompts: Sequence[CorpusPrompt], scanned: Sequence[Scanned], texts: Texts) -> pa.Table:
    """Lay out what a scan measured.

    Args:
        prompts: of the corpus.
        scanned: some of its prompts, measured.
        texts: decodes ids.
    """
    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    for one in scanned:
        prompt = prompts[one.place]
        for place, (reply, figures) in enumerate(zip(prompt.replies, one.replies, strict=True)):
            n = len(reply.ids)
            promoted, demoted = figures.promoted.tolist(), figures.demoted.tolist()
            row: dict[str, Sequence[object]] = {
                "prompt_id": [prompt.id] * n,
                "reply": [place] * n,
                "source": [reply.source] * n,
                "position": range(n),
                "token_id": reply.ids,
                "token": texts(reply.ids),
                "kl_nats": figures.kl_nats.tolist(),
                "difference_nats": figures.difference_nats.tolist(),
                "target_logp_nats": figures.target_logp_nats.tolist(),
                "promoted_id": promoted,
                "promoted": texts(promoted),
                "demoted_id": demoted,
                "demoted": texts(demoted),
            }
            for name, values in row.items():
                columns[name] += values
    arrays = [pa.array(columns[field.name], _plain(field.type)) for field in SCHEMA]
    return pa.table(
        [
            array.dictionary_encode() if pa.types.is_dictionary(field.type) else array
            for array, field in zip(arrays, SCHEMA, strict=True)
        ],
        names=SCHEMA.names,
    )


def read_records(folder: Path) -> pd.DataFrame:
    """Read what a scan has written, in the order of its corpus; columns as in ``SCHEMA``.

    Args:
        folder: of a scan, with its ``parts``.

    Raises:
        AnalysisError: if there is nothing to read.
    """
    parts = sorted((folder / "parts").glob("*.parquet"))
    if not parts:
        raise AnalysisError(f"{folder} holds no records of a scan: run amplify diff there first")
    table = pa.concat_tables([pq.read_table(part) for part in parts], promote_options="default")
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas()
    texts = frame.select_dtypes("category").columns
    return frame.astype({name: "str" for name in texts}).astype({"kl_nats": np.float64})


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
