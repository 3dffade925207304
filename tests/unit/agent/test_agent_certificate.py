"""Names read from a certificate without verifying it."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.agent.probing.certificate import parse

# Self-signed, made with openssl: issuer O=Example, CN=kubernetes; two names, two addresses and a mail address.
DER = base64.b64decode(
    "MIIB9jCCAZugAwIBAgIUdU/OjYastmOrpwScSGvojJcCnqYwCgYIKoZIzj0EAwIwJzEQMA4GA1UECgwHRXhhbXBsZTETMBEGA1UEAwwKa3ViZXJuZXRlczAg"
    "Fw0yNjExMjMwNTA0NDdaGA8yMTI2MTAzMDA1MDQ0N1owJzEQMA4GA1UECgwHRXhhbXBsZTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG"
    "SM49AwEHA0IABKKQtTyR+Db58AfyXOLL5vya6RyAn3blYTiETVF32GXXydNpVC2lYLx5IUAcYkhyP8sX/pycwrvFWKdAbE1sJ+KjgaIwgZ8wHQYDVR0OBBYE"
    "FOBzbQrzIqeJ+d4GuitIQ618QoMnMB8GA1UdIwQYMBaAFOBzbQrzIqeJ+d4GuitIQ618QoMnMA8GA1UdEwEB/wQFMAMBAf8wTAYDVR0RBEUwQ4IKa3ViZXJu"
    "ZXRlc4IWa3ViZXJuZXRlcy5kZWZhdWx0LnN2Y4cECmAAAYcQ/QAAAAAAAAAAAAAAAAAAAYEFYUBiLmMwCgYIKoZIzj0EAwIDSQAwRgIhAM1CKrIyb+0feD+B"
    "8IsTTpmutFPXvM2HwgsTlImJN2cAAiEAlgtv+qEhfnMSdC5r0tb/G/GH6TqrY56sxh+3WzslQA8="
)


def test_names_and_issuer():
    assert parse(DER) == {
        "sans": ["kubernetes", "kubernetes.default.svc", "10.96.0.1", "fd00::1", "[1]"],
        "issuer": "O=Example,CN=kubernetes",
    }


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes):
    assert set(parse(data)) == {"sans", "issuer"}


@given(st.data())
def test_damaged_certificates_are_survived(data: st.DataObject):
    changed = bytearray(DER)
    for _ in range(3):
        changed[data.draw(st.integers(0, len(DER) - 1))] = data.draw(st.integers(0, 255))
    assert set(parse(bytes(changed[: data.draw(st.integers(0, len(DER)))]))) == {"sans", "issuer"}
