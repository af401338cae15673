"""Chunks, index memory and operations of encoders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog.store import load_catalog
from knowledge.errors import UsageError
from knowledge.references import find_section
from tests.tools.asking import brief, machine, model
from tools.planning.amounts import Amount
from tools.planning.embedder_notes import corpus_of, embedder_notes
from tools.planning.retrieval import (
    cited,
    cut,
    encode_seconds,
    encoder_compute,
    index_of,
    indexes_of,
    retrieval_table,
    vectors_for,
    work_of,
)

M3 = "BAAI/bge-m3"


@pytest.mark.parametrize(
    ("tokens", "documents", "chunk", "overlap", "chunks", "embedded"),
    [
        (400, None, 400, 50, 1, 400),
        (401, None, 400, 50, 2, 451),
        (750, None, 400, 50, 2, 800),
        (1000, None, 100, 0, 10, 1000),
        (6_000_000, 3000, 500, 100, 15_000, 7_200_000),
        (30, 3, 400, 50, 3, 30),
    ],
)
def test_a_corpus_is_cut(
    tokens: int, documents: int | None, chunk: int, overlap: int, chunks: int, embedded: int
) -> None:
    found = cut(Amount("", None, tokens, documents), chunk, overlap)
    assert (found.chunks, found.embedded_tokens) == (chunks, embedded)


@given(st.integers(1, 10**10), st.integers(2, 4000), st.data())
def test_the_chunks_cover_the_text_and_not_one_less_would(
    tokens: int, chunk: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, chunk - 1))
    found = cut(Amount("", None, tokens), chunk, overlap)
    step = chunk - overlap
    assert found.chunks * step + overlap >= tokens
    if found.chunks > 1:
        assert (found.chunks - 1) * step + overlap < tokens
    assert found.embedded_tokens >= tokens


def test_an_overlap_as_long_as_the_chunk_is_refused() -> None:
    with pytest.raises(UsageError):
        cut(Amount("", None, 1000), 100, 100)


def test_the_index_is_the_guides_figures_per_million() -> None:
    section = find_section("embedding-and-reranking.md", retrieval_table()["citations"]["index"]["heading"])
    assert section is not None
    for dimensions, stated in ((384, "1.5 GB"), (768, "3.1 GB"), (1024, "4.1 GB"), (4096, "16.4 GB")):
        found = index_of(1_000_000, dimensions)
        assert found.vector_bytes == 4_000_000 * dimensions
        assert stated in section.text
        assert f"{found.vector_bytes / 1e9:.1f} GB" == stated


def test_types_and_the_graph() -> None:
    sizes = {
        kind: index_of(1000, 1024, kind).vector_bytes for kind in ("float32", "float16", "int8", "binary")
    }
    assert sizes == {"float32": 4_096_000, "float16": 2_048_000, "int8": 1_024_000, "binary": 128_000}
    assert index_of(1000, 1024).graph_bytes == 1000 * (2 * 16 * 4 + 12)


def test_matryoshka_only_where_the_model_was_trained_for_it() -> None:
    cut_down = indexes_of(model("ibm-granite/granite-embedding-311m-multilingual-r2"), 1000, 400)
    assert [i.dimensions for i in cut_down if i.type == "float32"] == [768, 512, 384, 256, 128]
    whole = indexes_of(model(M3), 1000, 400)
    assert {i.dimensions for i in whole} == {1024}


def test_late_interaction_has_a_vector_for_every_token() -> None:
    assert vectors_for(model("colbert-ir/colbertv2.0"), 10, 400) == 4000
    assert vectors_for(model(M3), 10, 400) == 10


def test_operations_leave_the_token_table_out() -> None:
    record = model(M3)
    assert record.params_total is not None
    assert record.embedding is not None
    assert record.embedding.backbone_params is not None
    work = work_of(record, 512)
    assert work is not None
    matrices = record.params_total - record.embedding.backbone_params
    extra = 4 * 24 * 1024 * 512 if record.architecture is not None else 0
    assert work.flops == 2 * matrices + extra


def test_time_is_operations_by_rate_on_card_and_processor() -> None:
    record, card = model(M3), encoder_compute(machine("RTX 3090"))
    found = encode_seconds(record, card, 1e6, 400)
    work = work_of(record, 400)
    assert found is not None
    assert work is not None
    share = retrieval_table()["utilization"]
    assert found.mid == pytest.approx(work.flops * 1e6 / (71.2e12 * share["mid"]))
    assert found.low < found.mid < found.high
    slow = encode_seconds(record, encoder_compute(machine("RTX 3090"), on_processor=True), 1e6, 400)
    assert slow is not None
    assert slow.low > found.mid


def test_unknown_rates_are_unknown() -> None:
    assert encoder_compute(machine("GTX 1080 Ti")).rate is None
    assert encode_seconds(model(M3), encoder_compute(machine("GTX 1080 Ti")), 1e6, 400) is None


def test_every_key_cites_a_section() -> None:
    for key in retrieval_table()["citations"]:
        assert "#" in cited(key)["locator"], key


def test_an_embedder_tells_its_index_for_the_stated_corpus() -> None:
    asked = brief("rag", dataset={"tokens": 3_500_050})
    corpus = corpus_of(asked, 8192)
    assert corpus is not None
    assert corpus.chunks == 10_000
    reasons, document = embedder_notes(model(M3), asked, 8192)
    assert document["index"]["vector_bytes"] == 10_000 * 1024 * 4
    assert document["index"]["stated_corpus"] is True
    assert document["embedding"]["hours"]["mid"] == pytest.approx(
        document["embedding"]["seconds"]["mid"] / 3600, rel=0.01
    )
    text = " ".join(reason.text for reason in reasons)
    assert "1,024 dimensions" in text
    assert "10,000 chunks" in text
    assert all(reason.evidence for reason in reasons)


def test_without_a_corpus_it_tells_the_index_of_a_million_chunks() -> None:
    reasons, document = embedder_notes(model(M3), brief("embedding"), 8192)
    assert document["index"]["vector_bytes"] == 4_096_000_000
    assert document["embedding"] is None
    assert "for a million chunks" in reasons[1].text


def test_unknown_dimensions_are_not_guessed() -> None:
    record = model(M3)
    assert record.embedding is not None
    bare = record.model_copy(update={"embedding": record.embedding.model_copy(update={"dimensions": None})})
    reasons, document = embedder_notes(bare, brief("embedding"), 8192)
    assert document["index"] is None
    assert "unknown dimensions" in reasons[0].text
    assert indexes_of(bare, 10, 400) == ()


def test_data_to_train_on_are_no_corpus_to_search() -> None:
    assert corpus_of(brief("chat", dataset={"tokens": 1000}), 512) is None


def test_every_embedder_of_the_catalog_has_notes() -> None:
    asked = brief("rag", dataset={"bytes": 10**9})
    records = [record for record in load_catalog().models if record.kind == "embedding"]
    assert len(records) > 50
    for record in records:
        reasons, document = embedder_notes(record, asked, None)
        assert reasons
        assert set(document) == {"index", "embedding"}
