"""Finds seed phrases of wallets: twelve words or more of the English list of BIP-39."""

import base64
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final
from zlib import crc32

FEWEST: Final = 12
"""Words of the shortest phrase in use."""

_LENGTHS = frozenset({12, 15, 18, 21, 24})
_STRIDE = 11
_LONGEST_GAP = 6
_WORD = re.compile(r"[A-Za-z]+")
_GAP = re.compile(r"[\s,;.:()\"'0-9-]+")
_NOT_LETTERS = "0123456789.,;:()[]{}<>-\"'"
_CUT = 0xFFFFFF


def hide_seeds(text: str, marker: str, parts: list[str] | None = None) -> tuple[str, int]:
    """Return `text` with each seed phrase replaced by `marker`, and how many there were.

    Words may be numbered, or parted by commas and line ends. The phrases are added
    to `parts`, as they were written.
    """
    if not _may_hold(text):
        return text, 0
    shown, done, hidden = [], 0, 0
    for start, end in _phrases(text):
        shown += [text[done:start], marker]
        done = end
        hidden += 1
        if parts is not None:
            parts.append(text[start:end])
    return "".join([*shown, text[done:]]), hidden


def is_seed(items: Sequence[object]) -> bool:
    """Tell whether a list is the words of a phrase."""
    return len(items) in _LENGTHS and all(
        isinstance(item, str) and _is_word(item) for item in items
    )


def _may_hold(text: str) -> bool:
    """Tell whether there are words of the list in a row; of eleven words, one is looked at.

    INVARIANT: of 12 words in a row, or 24 with their numbers, one that is no number is looked at.
    """
    words = text.split()
    for at in range(_STRIDE - 1, len(words), _STRIDE):
        if _is_word(_bare(words[at])) and _among_others(words, at):
            return True
    return False


def _among_others(words: list[str], at: int) -> bool:
    """Tell whether the twelve words around one are of the list, numbers aside."""
    around = 1
    for step in (-1, 1):
        here = at + step
        while around < FEWEST and 0 <= here < len(words):
            word = _bare(words[here])
            if word and not _is_word(word):
                break
            around += word != ""
            here += step
    return around >= FEWEST


def _bare(word: str) -> str:
    return word.strip(_NOT_LETTERS)


def _phrases(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the runs of at least twelve words of the list begin and end."""
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(text):
        if run and not _beside(text, run[-1].end(), word.start()):
            yield from _whole(run)
            run = []
        if _is_word(word[0]):
            run.append(word)
        else:
            yield from _whole(run)
            run = []
    yield from _whole(run)


def _whole(run: list[re.Match[str]]) -> Iterator[tuple[int, int]]:
    if len(run) >= FEWEST:
        yield run[0].start(), run[-1].end()


def _beside(text: str, end: int, start: int) -> bool:
    return start - end <= _LONGEST_GAP and _GAP.fullmatch(text, end, start) is not None


def _is_word(word: str) -> bool:
    if not word.isascii():
        return False
    code = crc32(word.lower().encode()) & _CUT
    at = bisect_left(_CODES, code)
    return at < len(_CODES) and _CODES[at] == code


def _codes(packed: str) -> "array[int]":
    """Return the numbers in order: a twentieth of the memory that a set of them takes."""
    raw = base64.b64decode(packed)
    return array("L", (int.from_bytes(raw[at : at + 3]) for at in range(0, len(raw), 3)))


# CRC-32, cut to 24 bits, of each of the 2,048 words, sorted.
_CODES: Final = _codes("""
ACOyAFlQAH6HAKSCALYMAN+yAOiiARVfASbEAUjfAVO6AVY7AXF9AX78AYHEAae2Ab5jAddzAgVEAju2Aj3YAkuGAlnNArAn
ArSKAu4KA0SFA1tmA44dA7JJBARPBA4SBDAyBDtPBEC3BEp6BKXwBK2JBMUEBNBeBOyfBPshBS/qBTqTBWZMBYH9BZA3Badu
BcHcBd+EBeRVBmL0BnEuBn+TBp1aBp9CBqYbBrT3Brh4BsHRBsJJBtNmBtVBBuQdBukuBuyuBxklBxpbBzX/B3HdB30zB4kv
B57zB8jaB+jsCBu0CGVGCIbFCI96CJkECKD8CRjqCUeyCV+GCWYbCXOCCX0ECYOcCYQOCaPWCcAHCcZbCfyzCiSPCj6GCmTS
Cn/dCqdgCrGNCrYgCvC7CyBlCycsCztFC1UvC123C2vOC3bDC4meC6rRC6xJC6x5C9KXC+IFC+QyDBnIDCvCDGRoDICsDIWJ
DJWZDKzPDMyRDToMDUXCDXZPDZvyDZ/zDak6DdzjDiBnDiZuDpxcDquuDs/nDuJUDvXHDyX/DyyvD0OQD0eXD1btD2/qD3kX
D4b6D+eNEAEtEAreEEP+EGP0EGu7EIVkEKaGEL91EM6ZERnvEW5DEXmREYtiEcW/EclNEdZTEhPMEiJKEq7iErc5EtlaEvaF
EvqSEvwoEwFdEwXoExIQExQ5EzB1E2lsE2qlFEAaFHtnFJjTFK1+FQUiFRxHFR/SFSAYFTBWFTCYFVV+FWB1FXV0FXo0FY0t
FZmFFb3lFdvDFe5cFmomFo37FrdaFsKTFsVyFsaiFsraFtBFFxVOFyb7FzGoF3uPF6CeF9E7F93gGGr9GHHdGIXbGKzEGPEL
GP95GQOkGTvkGXnCGZRUGZSMGf8jGkNmGkUvGlz3GmAWGnPnGp3gGt99GvquGyUeGzO7GzjzG9j8G+6DHGcMHKMnHNPDHO4F
HPcLHRiWHSWnHVPNHVYwHVgzHYexHY0AHZgsHbbSHeFIHfWPHhFOHl9SHnrjHoVlHo9kHvJ+HxFpHxgAHzh9H7jxH8V2IAUq
IBRnIBVHIC8KIFYFIIA7IIVTINk3IPH3IRB4ISjBIS82IU6qIZ1wIgr8Iiu8IjP2IlPgImhBIpjzIrFrIrfVI1AeI34GI4h8
I68zI7M0I8K3I8YDJFoqJLUVJMY6JNW7JOXwJPIiJPXtJSbLJSpDJTG4JTRUJTV4JUQXJXbgJaIQJeLeJefWJefZJfR2JfYF
JgnxJhPjJmELJmdIJpT8JpwWJqbeJqfHJqxIJr6cJurgJvztJv72JwRNJwcnJxP9Jx2vJ9vtJ/78KAeuKDA/KDLXKDSMKIQN
KJCiKLtNKM1kKOvsKTAIKTQ4KTZKKXeYKY7XKY9GKZOYKdaqKiWDKjDCKmdEKm3gKn9ZKt/yKvrpKzGMKzP7Kz4qK3g6K37k
K5Y2K5iUK6I7K77NK+v3K/Q1LCW8LDJHLDLlLDl9LHm3LHxWLKEMLLLQLMDnLMEeLOT1LPmaLfJrLgD9Lh/+Ljc0Lj96LlQg
LmNyLtBQLtrDLvKBLxA8L3eEL44jL7aOL9+HL+FeL+mWL/m8MAV2MBCyMEJFMEkhMErYMGL/MGe8MN6eMOskMQvJMUqoMXLK
MXapMXesMXpfMXzyMYb3MbNDMdtvMix4MkhbMnpzMoq9Mr7qMxTaMynbM0HPM2nQM37XM4T0M6ZmM6fmM8KsM84bNC4kNERw
NGiHNIjqNJ+RNKPANLc0NP0JNRhUNTg1NTjVNV+hNbbtNb9bNdZUNd4aNeB+NfLlNktONlZgNlakNnhrNnjyNof8Nsq0NtcH
NvFzNzEWN4qfN6E7N69gN7RdN9HbN9lCN955N+4+OCn3OInvOK+qOM28OP6XOQPwOUNpOcojOhZkOiV3Oi9tOsMNOtDdOtXJ
OtnwOwY6Ozb+O12uO2rBO4MhO51zO7B5O9rVO9zVO+9EPGJIPLrSPPRZPQRfPTZ8PVH3PXzQPdIvPeR3PeadPhRpPhpnPhxh
PiUAPjCHPjd4Pl7cPpMgPqCwPrsIPw1lPy8hP1h4P4n2P5yUP54SP82NQDNyQEQYQESrQFYmQF45QHPQQIrjQJgoQLVJQMvw
QN4bQOV7QTINQYy3QZ5uQd1FQd62Qfg+QgQWQkr+QwhJQy95Qz3LQ2QNQ3qJQ360Q4HGRARVRCNiRFe5RJp6RLO3RL4iRNXU
RPy+RXpGRaT2RdYuRdvuReSPReZeReoTReqGRhsPRiWERiYmRkXtRlB7RmpyRpE/Rr93RtYrRt+3Rul6RwMdRxUjR0R3R0ao
R0jSR1vMR2MYR3zMR4UBR6FLR6O+SEbmSE3XSKbHSMVpSPlaSQIGSUCySUDoSWS1SZkjSbYaSeaHSejESeluShqsSh75Siqq
Sj/VSlktSoZ7SqpESxpWS+YMS/1vTAtLTBnBTBwRTCyDTC0STGEwTGOwTHUmTK5CTLc5TLf2TOkZTQBtTRGLTXdYTYgTTavb
TeUPTgQ2TlGXTl1JTmiATm+BTp8ITy0CTz81T1owT2gCT4QOT5VDT5fdT6KkT6WMT68SUB4uUDP4UHRKUJniUMs8UN8MUPFE
URD1URF9URaZUUNxUWsCUd6eUeAmUiJKUmgfUnxzUoqtUpuFUvJ8UvlYUwRAUxcpU17ZU4d+U5ChU5qmU52MU6+CU7DgU7VY
U8eXVCyLVEiFVGHlVIsPVJHEVJsfVK1sVLoLVOcSVRrAVaILVau0VenRVe2gVgQ4VgZ0VhOLViMMVitHVkjpVmtpVqYjVu3N
VvU7Vwn9VxbPV122V3jRV3wsV7N6V7PAV8siV+YOV/4gWAQUWDUgWD10WL5fWMX1WQXxWTpgWW3MWX55WZVXWZaHWa9sWbi4
WcRUWcRiWgv3WhgHWh5pWkEhWlAtWmhAWm0nWoTeWpNdWpolWrvWWuPwWvdMWv8OWwI0WxhbW554W593W8UFW9T2W+PiXAHw
XBbUXB5xXDZmXEhYXEqEXGFmXJlqXLSTXLdpXOuBXPDBXP/rXQQEXVO0XXKWXYNgXaHyXdTlXdqMXem9XkOoXn6UXsb0XtOV
XtvGXvJvXwBPXwlvXx3uXy3+X0zFX1Q3X1eKX1zHX3BVX3KkX5v8X6LRX6uVX7aAX8KlX9+cYAh0YCYwYDpUYELhYFORYJIT
YLj7YOZ8YOolYTe3YVcQYVyLYZCCYZkXYaMeYb0xYcrZYdjXYeGHYfJvYg9NYkKPYl4lYnE1YpG/YpqXYrM6YsBQYtX1YtZ+
YvF2YvOfYvTJYxDeY0CzY3HWZB2eZCdoZC0eZK4tZPM3ZQfHZRg5ZYM+ZcufZdnmZdo6ZfO0ZgRvZjreZk7VZlQxZnQaZpuZ
ZtYmZuSjZw40Z0sUZ3lIZ65OZ7zdZ+G2Z+doZ/ZxaBPYaC4PaE2aaFOEaIFkaIMoaLUOaPQXaPQZaStUaVHSaYp2aZdZaZdd
actyad4nakyiamtYarOmasETat7Uaw8vaw9daym+az/ja3gWa3pfa3tka6Q0bH+qbIE+bIbxbKicbPQMbTQ1bWuebZYUbZh4
bfUGbg7JbiRmbiUjbk8WboNKbt0AbvOSby/8bzpWb6JCb7uvb8Mwb8csb93JcBELcIOkcIiUcJe8cLvycLxucLyTcL/QcMBu
cNQkcOCccQPUcQ8FcXyMcZc7cbkOccv0cc5Nce5XcgUTcnCFcqpKcsE6cyPgczExc2cBc3rvc7+hc8Owc8lmc80RdDaHdEQz
dE01dHTzdIpsdVb5dWl8daxvdbgwdczZddFidecIdfBCdi2zdmJddmZgdn4ydoItdqRwdqSIdqTAdqvTdsqpdvMYdwgVdxFD
d37GeAkkeA+feEMBeE3MeIexeKB1eKXweK0aeRuueVWPeWgeeXGaeXVTeXYceYXpedZUeeIdee/aefB8epIResTwet9meuJf
ewv7ew2rext0ezL9ezk1ez0Ce0b2e1UCe76Se9nue+YPe+3ifAHofALSfFlZfJNpfJaUfJkNfLEVfLqmfOoXfPeJfQ/ufRNh
fR4MfUGEfVVAfYy4fZokfZ6yflHVfm1Dfo8GfpH+fqWqfshfftslfuk5fupAfx5bf0sFf21Bf34Mf45Mf6aXf9bzf9xfgA/a
gBrPgB0wgJi8gJ9MgLowgOSGgP0mgRdcgRu1gRvzgUUJgYc6gbUugeEHgfVlgftZgg6NglAdgnM3grw6gshbguI1gud5g6Wz
g7hMg8NVg/i0hBaEhBabhEkshE6ShGPChIe8hI/ChJT5hKQYhM5JhO3ihSmzhTVlhT0HhWPdhWjkhZUVhboohe/ShgCwhgfL
hnuGhtGThw00h1pJh1ysh2jJh4hMh7Prh+MGiLE3iML8iNbiiON+iR+oiTSAiVIMiWeyiX06ibQeibeDicfJid66igGgigMP
ih8ZiiV3ijy9imyNinVmin9zioOzipVHivJAiwAfiwd1i2fPi3q0i4t3i5ydi6fHi7B4i7oIi8pFi9YrjBKAjG55jIiijJII
jKeTjMlVjMnUjQQajWBajXlzjYVPjZsCjZ4RjiQ1jiaXji8+jmBPjqwTjrI+jsOEjs5Ljtt2jwQ0jzmTj2NTj3v1j38zj4Al
j5NGj5sOj7g5j8yej98gj/KwkB9UkF+zkHuHkInUkIs4kJ9AkKupkNngkRsNkS+GkWSLkXpVkaZCkamGkd/bkfQWkffCkf7e
kgqzkpqBkrL9ktltk0E3k2DKk4Vhk9Lok9L7lBoZlCnblD1olEIwlJAZlJgYlJhFlNJflQ3mlS0AlUOGlU7glXLZlXholYFD
lYWvlYg1lZw2lk+ylmBDlnQrlrF7lucsluhglw7qlyRklzkxl1bpl3eYl3n1l38Xl6lol7E0l7ael8lTmG5DmH96mJ9cmN0M
mOszmRc0mTKUmTRtmV23mXKvmflCmf3emhFDmhbKmh1WmiPSmi8YmlCxmmMOmmtkmoCbmpLtmqmCmrI0mr0smsxqms3emu4h
mvYKmzHimz0dmz11m0oKm7xtm8Vbm8yZm9XBm//mnKwXnMYNnMYVnOeVnPmHnQvMnRkNnSRFnTlxnVDknXAbnYlVnZWknZrS
nbjnnfKqnhVJnj8Pnm+5nsc1ns1IntB9ntdbntq7nwDnnxXknyA9nzYQn0bdn1Gbn1qpn1s+n2wYn77Zn+GTn/3QoCmQoJ9E
oK2joMgyoOCNoODmoOkloPLboQhyoVv8oXBCogRxogk8olD2olZ3ol4qol4/on3ZopfYoujlousFovM7oxi0oxxpox8eoybd
o21jo4i3o840pCiPpDwbpE3/pJtnpKNGpKtupKvJpLgbpMDmpPdwpV6VpW3VpW7wpYE+pYv8pZEjpfMkpfV1pkVJpk5RpmB1
pndWpnepptBRptwnpt/fpxtKp1Dop1Khp28np4GSp4dZp9LDp/EZqAuyqBqNqDNIqGLQqG5UqLUaqO0TqR1RqR4LqTYmqUg6
qVSSqVcKqYfkqZYpqZzrqhxkqhzaqi4RqkMeqlykql9/qmKJqteVquxjqu6mqwFfqwq0qxX3qyMfqyyMq1qSq6x0q8i7q+Iq
rCF9rFT6rF3FrHmMrIXLrJnxrKEJrL8krNC5rSM+rWyLrYq/ravsrbWmrb64rdMPrkSgrk7qrmQErnilrnisroY3rr0nrr3/
rxUir0vwr0+sr1pcr4Mxr6iBr9jIr+MFsC8osF8OsGCZsHN4sIDQsK1JsOSFsTzNsUrUsYIfsasIsbetscxLsgsQsl5bsqy2
swIwswYWs1Qps1jrs2CDs7Ous9Dus9tVs+C/tA0YtBA7tC4dtElvtFVGtFs7tHNZtM73tP5htVgYtXoJtX08taB4tcC7thAG
tiFLtjgntpi/tqvOtvSct2V5t4QYt4ett6EKt6hJt7W2t+q4uBqKuDIjuDSsuD23uEBLuEbauE4QuFFkuIgMuJfJuJ1YuQZD
uRi2uTKXuUksubetubseudjTueW5uf48uiX6uirBumDMunBLunB2uruCutZcuwBauwxTuxAHuxN2uyrSuziduzkyu1WLu2Wx
u4Lru59su64Ou8kru8xovDeAvF1DvG5rvI/2vKe0vK4XvPyOvSkUvTB/vWgwvW/pvYk4vZC0vZusvbhqvbwlvb02vds3vfoU
vgHnvh3vvivivkDRvnWVvpFfvrqhvtYOvvZhvwlPv5Llv51Iv6MCv8P4v+JYwAc3wCRqwC07wDS5wETFwErpwHILwMSxwMnl
wPNqwQjXwRqFwSaZwTg3wW7+wdoOwiVxwj2bwlyWwmQXwqu1wrBSwsziwvCgw01Lw9ihxAqtxCB5xD9vxF8dxKNoxKr/xLzZ
xVsrxWa5xWmUxY7ZxZ0axbF4xcSRxc2Hxdj1xgNTxg5GxkYYxoaBxwRFxx7XxyfAxzqNxz3Ex4Bgx9SKx9nNx9osx/tzyCLZ
yDb5yFRsyIvByM/RyPgYyThRyWAJyYgfyZxlycE3yesYygsjyg0Hyjt2ymAyynUUyopmyr15ytHiyy2Ay2Gzy3Kky79fzAAn
zG+AzHZuzHxOzIV6zIySzPLzzPMKzPNTzRNWzT2RzT7+zUQqzWgwzZaqzj56zlHDzl8Dzm6Gzqnsz0huz+48z/C8z/kf0CHM
0FKP0Fwp0IBP0K900LIj0NNu0N6j0PIm0SCc0St70Sy70XJT0XKj0XTJ0bdn0dtJ0ic90l450nan0n8a0s2u0w0D0w+W01yd
024405Uw05lQ06NE0+Yq1D8N1KbF1PrV1QBt1VzG1ZXe1agq1dr/1d8F1exF1e5g1gzQ1iDZ1kEZ1lPW1nxm1oc+1ojo1qsF
1rHE1rm31t111t5Y12qE13Vm14vR15ao18Ha19W22ADr2AhR2Cm02IKn2KzM2LfU2MLH2Nyo2OD42OMl2OY72QL12RXR2R/K
2SBB2TNQ2at22fyV2g+X2iMT2mxm2n+/2sUx2tUc2tfr2tsq2uY12vjD2yEa2yxL20Me20+J22o+22pN23G125EU250526iw
277E28n329Kx3EEA3NF23PV23Pt73Qd93S0C3Tgk3Uol3Vw/3YJv3Y6Z3bxx3cHt3eVE3fYG3gnP3hSe3icl3k8/3lcp3m5z
3ptv3rx33vGS37f+37we3/A23/Rs4Dlq4Izk4KQ04KYf4Ly64Uxd4U7k4VSv4XBY4XWy4Y6D4ZmM4Zpj4hDX4hQU4ksZ4n1z
4o/Y4pmx4q8w4rME4rRM4urW4vfx4w+U4z2F41oN42cr42ip43Cj44VL44zi4+rX4/im5DQh5DRx5Dhy5EaI5Fup5GUg5LDv
5PWT5Pnd5Pp45U9z5VQt5aMx5bnW5cHZ5ccP5d+u5fAU5iFb5jJi5kGy5omY5pIo5qUp5r5O5sek5sxS517E54zP58zI583i
5/Lv6A4c6Bj46Cge6DqG6D8A6FWL6GNQ6Hrc6LCO6LmJ6NyX6PDf6S3l6TEQ6TlY6UsY6VGL6WND6X1F6ZHx6ZUy6cTU6dYM
6ejy6fHC6hX/6jez6j426swT6s2N6v2m6zGI61h6615w66Xh68AH69Va7CeU7DRO7D857Efo7HBR7Juf7Lfw7MPm7N0S7PVE
7RCD7VYs7XeE7YPJ7Z6N7cVu7caA7e6h7f747iVf7jhy7kxv7ldx7naU7oIn7oPl7oeO7qxh7tPY7ugd7uo07wia7zJs7+5i
8BX98EgL8Egd8Kke8Nun8Qrb8SfJ8Vka8Wu+8XUR8aiS8aoO8eQB8hbN8hze8kCX8kUl8rPz8r0P8urA8vd78zQL8z7R84Us
8/ac8/e09A4q9BaB9B/+9CLj9CSW9GxE9HVU9Hlh9Oua9R3s9SZj9UVY9Wt39XRB9X8W9Yo29Y/l9ZoR9dzH9e/29guj9kCh
9mAO9m/89sIg9sj59tNB9xRO9z7S90lO91Jm917t92EZ923P93bl93g5+DzN+GJ7+IJp+Iky+MfN+O+w+Pps+Tt3+UDd+WaH
+Z5v+a4l+bdS+b5H+iRf+kdg+k50+llH+muf+myg+oWu+s7E+yNx+zDm+zFS+zOm+1g7+2L2+3eb+5w5+8MU+80Q+900++D3
/DOx/EyN/GzT/KNZ/OT7/SR6/SyI/TuZ/UbB/Zlx/auO/f8W/iFy/jpX/kKN/llx/lvG/mVS/mY6/nbN/qHo/rG4/sEW/tEK
/uRV/u10/vK0/1Pz/3Ed/3Vo/4yq/5Ok
""")
