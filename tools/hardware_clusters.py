"""Several computers that work on one model, and what joins their accelerators."""

from __future__ import annotations

from dataclasses import dataclass

from tools.hardware_names import core_name, form_of
from tools.hardware_parts import Card, Draft
from tools.hardware_terms import Board, Terms
from tools.hardware_text import Mention, TokenText
from tools.hardware_types import Device

NVLINK = "NVLink"
_GBITS_PER_GB = 8
_ONE_OF_THEM = frozenset({"one", "another", "first", "other", "eine", "einer"})
"""`3 servers, one has ...` says what one of them has."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The accelerators of all nodes, and what joins them."""

    devices: list[Device]
    nodes: int = 1
    interconnect: str | None = None
    interconnect_gbs: float | None = None
    network: str | None = None
    network_gbs: float | None = None


def after_node_words(text: TokenText, left: Mention, right: Mention, *, spread: bool = False) -> bool:
    """Whether nothing stands between nodes and cards but words that join them (`2 nodes with 8x H100`)."""
    words = text.between(left, right)
    if _ONE_OF_THEM & set(words) or (spread and text.terms.joins & set(words)):
        return False
    allowed = text.terms.node_links | text.terms.numbers.keys() | text.terms.vendor_words
    allowed |= text.terms.links | text.terms.units_gib.keys() | (text.terms.spread if spread else frozenset())
    return all(word in allowed or word[0].isdigit() for word in words)


def board_counts(board: Board, boards: int, cards: int) -> tuple[int, int]:
    """Nodes, and accelerators in each: `4 x DGX H100` are 4 nodes of 8, `8x HGX H100` one board of 8."""
    if not board.nodes and boards in (board.gpus, board.gpus // 2) and cards == 1:
        return 1, boards
    return boards, cards if cards > 1 else board.gpus


def cluster_of(draft: Draft, devices: list[Device], terms: Terms, assumptions: list[str]) -> Cluster:
    """Divides the accelerators of a draft over its nodes, or repeats them in each.

    Args:
        draft: What was said.
        devices: The accelerators as they were counted.
        terms: The words and bandwidths.
        assumptions: Takes what is assumed.
    """
    devices, nodes = _spread(draft, devices, assumptions)
    if nodes > 1:
        assumptions.append(
            f"memory of the {nodes} nodes counted together: an engine must span them (vLLM, llama.cpp RPC), "
            "and the network between them slows it"
        )
    inside, inside_gbs = _inside(draft, devices[: len(devices) // nodes], terms, assumptions)
    outer = next((link for link in draft.links if _scope(link, terms) == "network"), None)
    if outer is None or nodes == 1:
        inside = outer.key if outer is not None and draft.egpu else inside
        return Cluster(devices, nodes, inside, inside_gbs)
    gbs = outer.number / _GBITS_PER_GB if outer.number else None
    return Cluster(devices, nodes, inside, inside_gbs, outer.key, gbs)


def _scope(link: Mention, terms: Terms) -> str:
    scopes = {item.key: item.scope for item in terms.interconnects.links}
    return scopes.get(link.key, "network")  # with its generation behind it (`InfiniBand NDR`)


def _spread(draft: Draft, devices: list[Device], assumptions: list[str]) -> tuple[list[Device], int]:
    """The accelerators of all nodes, and how many nodes there are."""
    nodes = draft.nodes
    if not devices:
        return devices, 1
    if nodes == 1:
        computers = len(devices) if all(device.unified for device in devices) else 1
        return devices, computers
    networked = any(link.key != NVLINK for link in draft.links)
    if draft.only_linked and not (networked or draft.clustered):
        assumptions.append(
            f"\u201c{draft.nodes_quote}\u201d: planned for one of them; "
            "say how they are linked to count them together"
        )
        return devices, 1
    if draft.per_node is False and len(devices) % nodes == 0:
        each = len(devices) // nodes
        assumptions.append(f"{len(devices)} accelerators counted as {each} in each of the {nodes} nodes")
        return devices, nodes
    if len(devices) > 1 and draft.per_node is None:
        total = len(devices) * nodes
        assumptions.append(
            f"{len(devices)} accelerators counted in each of the {nodes} nodes, {total} in all"
        )
    return devices * nodes, nodes


def _inside(
    draft: Draft, devices: list[Device], terms: Terms, assumptions: list[str]
) -> tuple[str | None, float | None]:
    """What joins the accelerators of one node, and its bandwidth; SXM boards always have NVLink."""
    said = next((link.key for link in draft.links if _scope(link, terms) == "node"), None)
    if said not in (None, NVLINK):
        return said, None
    if len(devices) < 2 or not draft.cards or devices[0].unified:
        return None, None
    boarded = all(
        card.form == "sxm" or all(form_of(item) == "sxm" for item in card.records) for card in draft.cards
    )
    if said is None and not boarded:
        return ("PCIe" if any(card.form == "pcie" for card in draft.cards) else None), None
    speeds = [_nvlink(core_name(card.records[0]), devices, terms) for card in draft.cards]
    known = [speed for speed in speeds if speed is not None]
    if len(known) < len(speeds):
        without = next(card.quote for card, speed in zip(draft.cards, speeds, strict=True) if speed is None)
        assumptions.append(f"NVLink was said, but {without} has none; PCIe is counted")
        return "PCIe", None
    return NVLINK, min(known)


def needs_sxm(draft: Draft, card: Card, terms: Terms) -> bool:
    """NVLink over more than two cards, or of cards whose PCIe version has none, tells an SXM board."""
    bridges = terms.interconnects.pcie_bridge_gbs
    name = core_name(card.records[0])
    said = any(link.key == NVLINK for link in draft.links)
    return said and name in bridges and (card.count > 2 or bridges[name] is None)


def _nvlink(name: str, devices: list[Device], terms: Terms) -> float | None:
    """GB/s of a card's NVLink, both directions; None where it has none."""
    table = terms.interconnects
    if (
        any(name in device.name and "PCIe" in device.name for device in devices)
        and name in table.pcie_bridge_gbs
    ):
        return table.pcie_bridge_gbs[name]
    return table.nvlink_gbs.get(name)
