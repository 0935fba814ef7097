"""Lets sigstore-python judge receipts: the key, the checkpoint's signature, and the inclusion.

A list of `{"pem", "id", "receipt"}` comes in as JSON, and a list of what is wrong with each goes
out; an empty text is none.
"""

import base64
import json
import sys
from types import SimpleNamespace

from cryptography.hazmat.primitives import serialization
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore._internal.trust import Keyring
from sigstore_models.common.v1 import PublicKey, PublicKeyDetails


def ring_of(pem):
    der = serialization.load_pem_public_key(pem.encode()).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    details = PublicKeyDetails.PKIX_ED25519
    return Keyring([PublicKey(raw_bytes=base64.b64encode(der), key_details=details)])


def judge(case):
    head, note = case["receipt"].split("\n\n", 1)
    _, extra, index, *path = head.split("\n")
    signed = SignedCheckpoint.from_text(note)
    signed.signed_note.verify(ring_of(case["pem"]), bytes.fromhex(case["id"]))
    proof = SimpleNamespace(
        log_index=int(index.removeprefix("index ")),
        tree_size=signed.checkpoint.log_size,
        root_hash=bytes.fromhex(signed.checkpoint.log_hash),
        hashes=[base64.b64decode(each) for each in path],
    )
    entry = base64.b64decode(extra.removeprefix("extra "))
    inner = SimpleNamespace(inclusion_proof=proof, canonicalized_body=entry)
    verify_merkle_inclusion(SimpleNamespace(_inner=inner))


def verdict(case):
    try:
        judge(case)
    except Exception as error:  # noqa: BLE001  whatever it is, it is a no
        return repr(error)
    return ""


print(json.dumps([verdict(case) for case in json.load(sys.stdin)]))  # noqa: T201
