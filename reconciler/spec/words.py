"""Words of this format and the service's numbers for them.

Apart from the models that read them, so that the mapping table needs no model. Pure.
"""

CIPHERS = {
    "aes-128-xts": 1,
    "aes-128-ecb": 2,
    "aes-256-xts": 3,
    "sm4-128-ecb": 4,
    "aes-128-gcm": 5,
    "aes-256-gcm": 6,
    "aes-128-gcm2": 7,
    "aes-256-gcm2": 8,
}
"""`decryptionMode` (agora-api.md 3.4)."""

GROUPS = {"1-2": 0, "3-7": 1, "8-12": 2, "13-17": 3, "18-32": 4, "33-49": 5}
"""`subscribeUidGroup`: how many distinct uids each holds.

Source: agora-api.md 3.4; K4, the newer bounds.
"""

LAYOUT_TYPES = {"floating": 0, "best-fit": 1, "vertical": 2, "custom": 3}
"""`mixedVideoLayout` (agora-api.md 3.5)."""

FITS = {"crop": 0, "contain": 1}
"""`render_mode` (agora-api.md 3.5)."""
