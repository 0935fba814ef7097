"""Lets pymerkle judge receipts and roots; it knows nothing of signatures.

A list of `{"receipt"}` or `{"entries", "size", "root"}` comes in as JSON, and a list of what is
wrong with each goes out; an empty text is none.
"""

import base64
import json
import sys

from pymerkle import InmemoryTree, verify_inclusion
from pymerkle.core import _inclusion_path_layout
from pymerkle.hasher import MerkleHasher
from pymerkle.proof import InclusionProof


def judge_receipt(text):
    head, note = text.split("\n\n", 1)
    _, extra, index, *path = head.split("\n")
    _, size, root = note.split("\n")[:3]
    leaf = MerkleHasher("sha256").hash_buff(base64.b64decode(extra.removeprefix("extra ")))
    at = int(index.removeprefix("index ")) + 1
    rule, _ = _inclusion_path_layout(at, int(size))
    hashes = [leaf, *(base64.b64decode(each) for each in path)]
    proof = InclusionProof("sha256", True, int(size), at, rule, hashes)  # noqa: FBT003
    verify_inclusion(leaf, base64.b64decode(root), proof, index=at, size=int(size))


def judge_root(case):
    tree = InmemoryTree(algorithm="sha256")
    for entry in case["entries"]:
        tree.append_entry(base64.b64decode(entry))
    if tree.get_root(case["size"]).hex() != case["root"]:
        raise ValueError("another root")


def verdict(case):
    try:
        if "receipt" in case:
            judge_receipt(case["receipt"])
        else:
            judge_root(case)
    except Exception as error:  # noqa: BLE001  whatever it is, it is a no
        return repr(error)
    return ""


print(json.dumps([verdict(case) for case in json.load(sys.stdin)]))  # noqa: T201
