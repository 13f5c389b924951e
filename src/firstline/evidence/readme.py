"""What a pack says of itself to somebody who has nothing but the pack."""

README_TEXT = b"""Evidence of remediations by Firstline
=====================================

Open timeline.html to read what happened. It needs no network and runs no script.

What is in here
---------------
manifest.json       what was asked for, by whom and when; the SHA-256 of each file; what is not here, and why
manifest.note       the manifest's SHA-256, signed with the hub's key (a C2SP signed note, Ed25519)
checkpoint          size and root of the hub's ledger, signed (C2SP tlog-checkpoint, Ed25519)
key.txt             the public half of the key: name+id+base64
entries.jsonl       entries of the ledger, one a line, byte for byte as they are hashed
proofs.jsonl        for each of these lines, its position in the tree and the proof that it is there (RFC 6962)
unplaced.jsonl      entries that were too new for the checkpoint; nothing proves them yet
rows/               what the entries bind: the SHA-256 of rows/approval/ID.json stands in an entry under
                    "rows", "approval/ID". The last entry that binds a row counts.
bodies/             deliveries, byte for byte as they were received; the row of the delivery has their SHA-256
remediations/       for each remediation its plan (its SHA-256 is the plan's digest) and a page of its own

To check it with Firstline, without a hub, a database or a network
------------------------------------------------------------------
    firstline audit verify PACK.zip --key "NAME+ID+BASE64"

Take the key from where the hub's owner has published it, not from this pack: whoever forges a pack can put a key into
it. A checkpoint of the same log that was published elsewhere (`audit verify --checkpoint`, in the hub's folder) shows
that the log was not rebuilt.

To check it by hand
-------------------
1. Files: the SHA-256 of each file is in manifest.json, that of manifest.json in manifest.note.
2. A row: sha256sum rows/FACET/KEY.json is the value that the last line of entries.jsonl naming it has for it.
3. An entry: its leaf is SHA-256 of a zero byte and the line without its line break. With the hashes of its proof,
   joined as RFC 6962, section 2.1.1, says, it gives the root in the third line of checkpoint.
4. The checkpoint: the signature's last 64 bytes are Ed25519 over the lines before the blank one.
"""
