"""Language codes: ISO 639-1 where one exists."""

from __future__ import annotations

from collections.abc import Iterable

_PAIRS = """
afr:af amh:am ara:ar arb:ar asm:as aze:az azj:az bel:be ben:bn bos:bs bul:bg cat:ca ces:cs cmn:zh
cym:cy dan:da deu:de ell:el eng:en epo:eo est:et ekk:et eus:eu fas:fa pes:fa fin:fi fra:fr fry:fy
gla:gd gle:ga glg:gl guj:gu hat:ht hau:ha heb:he hin:hi hrv:hr hun:hu hye:hy ibo:ig ind:id isl:is
ita:it jav:jv jpn:ja kan:kn kat:ka kaz:kk khm:km kin:rw kir:ky kor:ko kur:ku kmr:ku lao:lo lat:la
lav:lv lvs:lv lit:lt ltz:lb mal:ml mar:mr mkd:mk mlg:mg plt:mg mlt:mt mon:mn khk:mn mri:mi msa:ms
zsm:ms mya:my nep:ne npi:ne nld:nl nno:nn nob:nb nor:no nya:ny oci:oc ori:or ory:or orm:om pan:pa
pol:pl por:pt pus:ps pbt:ps ron:ro rus:ru san:sa sin:si slk:sk slv:sl smo:sm sna:sn snd:sd som:so
sot:st spa:es sqi:sq als:sq srp:sr sun:su swa:sw swh:sw swe:sv tam:ta tat:tt tel:te tgk:tg tgl:tl
fil:tl tha:th tir:ti tsn:tn tuk:tk tur:tr uig:ug ukr:uk urd:ur uzb:uz uzn:uz vie:vi wol:wo xho:xh
yid:yi ydd:yi yor:yo zho:zh zul:zu bod:bo bre:br cos:co dzo:dz fao:fo hmn:hm kal:kl lug:lg ssw:ss
tso:ts ven:ve wln:wa
"""
_TWO_LETTERS = dict(pair.split(":") for pair in _PAIRS.split())


def language_codes(names: Iterable[str]) -> tuple[str, ...]:
    """Codes of `en`, `eng-Latn` or `zh-CN`, each once, in the given order."""
    codes = []
    for name in names:
        stem = name.replace("_", "-").split("-")[0].lower()
        codes.append(_TWO_LETTERS.get(stem, stem))
    return tuple(dict.fromkeys(codes))
