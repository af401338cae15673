"""The shipped guides agree with the tools, and checking them is quick."""

from __future__ import annotations

from knowledge.claims.extract import guide_claims
from knowledge.corpus import load_guides
from tools.claims.check import check_all


def test_own_statements_agree_and_older_errors_are_put_right() -> None:
    findings = [finding for guide in load_guides() for finding in check_all(guide_claims(guide))]
    wrong = [
        (f.claim.file, f.claim.line, f.claim.figure_words, f.claim.words) for f in findings if f.contradicts
    ]
    assert not wrong
    corrected = [finding for finding in findings if finding.corrected]
    assert len(corrected) >= 10
    assert all(finding.claim.attributed or finding.claim.past for finding in corrected)
    # Enough is read and checked to mean something.
    assert sum(finding.verdict == "agrees" for finding in findings) >= 650
