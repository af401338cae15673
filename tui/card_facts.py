"""Facts of a model's document in words: label, text (empty where unknown), and the field they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.claims import line_of, map_of, maps_of
from tui.license_text import CLASSES, EFFECTS
from tui.plaintext import clean, is_number, tokens, usd, words

Document = Mapping[str, Any]
Facts = list[tuple[str, str, str]]
"""Label, text, and the field of the catalog (or, with a space in it, the source itself)."""
LARGE = 1_000_000_000
ABILITIES = (("thinking", "thinking"), ("tool calling", "tool_calling"), ("reads images", "vision"))


def _yes_no(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, "")  # type: ignore[call-overload, no-any-return]


def count(value: object) -> str:
    """Parameters: `8.19 billion (8,190,735,360)`, `109 million (...)`; empty for None."""
    if not is_number(value):
        return ""
    whole = int(value)
    short = f"{whole / LARGE:.3g} billion" if whole >= LARGE else f"{whole / 1e6:.3g} million"
    return f"{short} ({whole:,})"


def _listed(values: object, most: int = 40) -> str:
    found = [clean(value, one_line=True) for value in values] if isinstance(values, Sequence) else []
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def identity_facts(document: Document) -> Facts:
    """What it is: maker, family, kind, size, window, languages, features."""
    maker = map_of(document.get("maker"))
    country = line_of(maker.get("country"))
    name = line_of(maker.get("name")) + (f" ({country})" if country else "")
    if "mode" in document:
        return _api_identity(document, name)
    active = document.get("params_active")
    facts: Facts = [
        ("maker", name, line_of(maker.get("source")) or "*"),
        ("family", line_of(document.get("family")), "*"),
        ("kind", line_of(document.get("kind")), "*"),
        ("released", line_of(document.get("release_date")), "release_date"),
        ("parameters", count(document.get("params_total")), "params_total"),
    ]
    if is_number(active):
        facts.append(("active for a token", count(active), "params_active"))
    facts.append(("context", _window(document), "context_length"))
    features = _listed([words(str(one)) for one in document.get("features") or ()])
    facts += [
        ("languages", _languages(document), "languages"),
        ("features", features, "tool_calling"),
    ]
    for label, key in (
        ("thinking", "thinking"),
        ("tool calling", "tool_calling"),
        ("reads images", "vision"),
    ):
        value = document.get(key)
        if value not in (True, "yes"):  # what it can do stands among the features
            facts.append((label, value if isinstance(value, str) else _yes_no(value), key))
    if is_number(document.get("downloads")):
        facts.append(("downloads", f"{document['downloads']:,} on the hub", "downloads"))
    return facts + _added(map_of(document.get("added")))


def _window(document: Document) -> str:
    length = document.get("context_length")
    if not is_number(length):
        return ""
    return f"{int(length):,} tokens, as its maker's configuration has it; an extension (YaRN) is not counted"


def _languages(document: Document) -> str:
    languages = _listed(document.get("languages") or ())
    if languages:
        return languages
    return {True: "several, not listed", False: "one, not named"}.get(
        document.get("multilingual"),  # type: ignore[arg-type]
        "",
    )


def _added(added: Document) -> Facts:
    """Where a model that the person added comes from."""
    if not added:
        return []
    where = f"{line_of(added.get('location'))}, on {line_of(added.get('day'))}"
    facts: Facts = [("added by you from", where, "what you added")]
    if added.get("quant"):
        facts.append(("its own quantization", line_of(added["quant"]), "what you added"))
    return facts


def _api_identity(document: Document, maker: str) -> Facts:
    facts: Facts = [
        ("provider", maker or line_of(document.get("provider")), "*"),
        ("kind", f"an API model ({words(line_of(document.get('mode')))})", "*"),
        ("context", _plain_tokens(document.get("max_input_tokens")), "*"),
        ("longest answer", _plain_tokens(document.get("max_output_tokens")), "*"),
    ]
    for label, key in (
        ("tool calling", "tool_calling"),
        ("thinking", "thinking"),
        ("reads images", "vision"),
        ("structured output", "structured_output"),
    ):
        facts.append((label, _yes_no(document.get(key)), "*"))
    if is_number(document.get("vector_size")):
        facts.append(("vector size", f"{document['vector_size']:,} dimensions", "*"))
    facts += [
        ("parameters", "", "*"),
        ("license", "the provider's terms; the weights are not published", "*"),
    ]
    return facts


def _plain_tokens(value: object) -> str:
    return f"{int(value):,} tokens" if is_number(value) else ""


def api_facts(document: Document) -> Facts:
    """What an API model costs, in US dollars per million tokens."""
    rows: Facts = []
    for label, key in (
        ("input", "input_usd_per_mtok"),
        ("output", "output_usd_per_mtok"),
        ("cached input", "cache_read_usd_per_mtok"),
        ("input of long prompts", "long_input_usd_per_mtok"),
        ("output of long prompts", "long_output_usd_per_mtok"),
    ):
        price = document.get(key)
        if is_number(price):
            above = document.get("long_context_above")
            more = f" above {tokens(above)} tokens" if key.startswith("long") and is_number(above) else ""
            rows.append((label, f"{usd(price)} per million tokens{more}", "*"))
        elif key in ("input_usd_per_mtok", "output_usd_per_mtok"):
            rows.append((label, "", "*"))
    if is_number(document.get("query_usd")):
        rows.append(("a query", usd(document["query_usd"]), "*"))
    if document.get("ends"):
        rows.append(("switched off on", line_of(document["ends"]), "*"))
    return rows


def architecture_facts(document: Document) -> Facts:
    """The shape, as far as it decides memory and speed; vectors of an embedder."""
    facts = _embedding(map_of(document.get("embedding")))
    shape = map_of(document.get("architecture"))
    if not shape:
        return facts if facts else [("architecture", "", "architecture")]
    if shape.get("arch"):
        facts.append(("architecture", f"{line_of(shape['arch'])} (llama.cpp's name)", "architecture"))
    facts += [
        ("layers", f"{shape['layers']:,}, {shape['hidden']:,} wide", "architecture.layers"),
        ("attention", _attention(shape), "architecture.kv_heads"),
    ]
    for label, text in (
        ("experts", _experts(map_of(shape.get("experts")))),
        ("sliding window", _sliding(map_of(shape.get("window")))),
        ("recurrent layers", _recurrent(map_of(shape.get("recurrent")))),
    ):
        if text:
            facts.append((label, text, "architecture"))
    facts.append(("vocabulary", f"{shape['vocab']:,} tokens", "architecture.vocab"))
    if document.get("inherited_from"):
        facts.append(("shape taken from", line_of(document["inherited_from"]), "architecture"))
    guesses = _listed(shape.get("approximations") or ())
    exact = (
        "every detail for an exact figure is known" if shape.get("measured") else "some details are general"
    )
    facts.append(("how exact", guesses or exact, "architecture"))
    return facts


def _attention(shape: Document) -> str:
    latent = map_of(shape.get("latent"))
    if latent:
        cached = f"{latent['kv_rank']:,} + {latent['rope_dim']:,} values"
        return f"multi-head latent: {cached} a token and layer are cached"
    return f"{shape['heads']} heads, {shape['kv_heads']} KV heads of {shape['head_dim']} values"


def _experts(experts: Document) -> str:
    if not experts:
        return ""
    shared = ", and a shared one" if experts.get("shared_ff") else ""
    return f"{experts['count']:,}, of which a token passes through {experts['used']}{shared}"


def _sliding(window: Document) -> str:
    if not window:
        return ""
    flags = window.get("layers") or ()
    return f"{window['size']:,} tokens in {sum(map(bool, flags))} of {len(flags)} layers"


def _recurrent(recurrent: Document) -> str:
    if not recurrent:
        return ""
    flags = recurrent.get("layers") or ()
    kind = words(line_of(recurrent.get("kind")))
    return f"{sum(map(bool, flags))} of {len(flags)} ({kind}); their state does not grow with the context"


def _embedding(facts: Document) -> Facts:
    if not facts:
        return []
    size = facts.get("dimensions")
    shorter = _listed([str(one) for one in facts.get("dimensions_mrl") or ()])
    rows: Facts = []
    if is_number(size):
        rows.append(
            ("vector", f"{size:,} dimensions" + (f"; also {shorter}" if shorter else ""), "embedding")
        )
    rows.append(("longest text", _plain_tokens(facts.get("max_tokens")), "embedding"))
    if facts.get("late_interaction"):
        rows.append(("late interaction", "yes: one vector a token", "embedding"))
    return rows


def license_facts(document: Document) -> Facts:
    """The license, its class, and the clauses that decide it."""
    terms = map_of(document.get("license_terms"))
    own = line_of(terms.get("id"))
    if not own:
        return [("license", "", "license")]
    source, day = line_of(terms.get("source")), line_of(terms.get("as_of"))
    origin = f"{source}, as of {day}" if source else "license"
    name = f" ({line_of(terms['name'])})" if terms.get("name") else ""
    facts: Facts = [
        ("license", f"{own}{name}", "license"),
        ("class", CLASSES.get(line_of(terms.get("commercial_use")), CLASSES["unknown"]), origin),
    ]
    for clause in maps_of(terms.get("clauses")):
        effect = EFFECTS.get(line_of(clause.get("effect")), "")
        where = ", as of ".join(filter(None, (line_of(clause.get("source")), line_of(clause.get("as_of")))))
        facts.append((line_of(clause.get("kind")), f"{line_of(clause.get('text'))} ({effect})", f"{where} "))
    for base in maps_of(terms.get("inherited")):
        bound = line_of(base.get("license")) or "a license that is not known here"
        facts.append(("bound by its base", f"{line_of(base.get('base'))}: {bound}", f"{base.get('source')} "))
    if not terms.get("verified"):
        facts.append(("checked", "the text was not read here: read it before you rely on it", origin))
    return facts


def kin_facts(document: Document) -> Facts:
    """What it was made from and what was made from it, siblings, and where quantized files are."""
    facts: Facts = []
    for label, key in (("made from", "made_from"), ("made from it", "derivatives"), ("siblings", "siblings")):
        text = _listed(document.get(key) or (), 8)
        if text:
            facts.append((label, text, "family, size and lineage in the catalog"))
    if document.get("gguf_repo"):
        facts.append(("GGUF files", line_of(document["gguf_repo"]), "gguf_repo"))
    elif document.get("gguf_available") is not None:
        files = "published, the repository is not known" if document["gguf_available"] else "none known"
        facts.append(("GGUF files", files, "gguf_available"))
    else:
        facts.append(("GGUF files", "", "gguf_available"))
    facts.append(("Ollama tag", line_of(document.get("ollama_tag")), "ollama_tag"))
    if document.get("aliases"):
        facts.append(("also called", _listed(document["aliases"], 8), "*"))
    return facts
