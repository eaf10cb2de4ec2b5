# SPDX-License-Identifier: MIT
"""What the fakes of all cloud products share, beside lab.vendors.base.

A fake recomputes every signature, keeps uploads and what is bound to them,
refuses what the vendor refuses (quota, a removal of what is in use, the same
name twice), finishes changes later, and shows its lists in pages.  The suite
is tests/integration/test_clouds.py.
"""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from ..vendors.base import Vendor


def leaf(pem):
    return x509.load_pem_x509_certificate(pem.encode())


def sha256(pem):
    return leaf(pem).fingerprint(hashes.SHA256()).hex()


def sha1(pem):
    return leaf(pem).fingerprint(hashes.SHA1()).hex()


def serial(pem):
    return "%x" % leaf(pem).serial_number


def names(pem):
    return leaf(pem).extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)


def is_pair(cert, key):
    """Does the key belong to the first certificate?"""
    private = serialization.load_pem_private_key(key.encode(), None)
    spki = (serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.public_key().public_bytes(*spki) == \
        leaf(cert).public_key().public_bytes(*spki)


class Upload:
    """A certificate in a store."""

    def __init__(self, id, name, cert, key):
        self.id, self.name, self.cert, self.key = id, name, cert, key


class Cloud(Vendor):
    PRODUCT = None              # cloud "..."
    CREDENTIALS = None          # their type
    IN_PLACE = False            # one object for ever
    SECRETS = ()                # of the credentials: those in files
    SHARED = True               # the store has others' as well
    TARGETS = 2                 # of one certificate that may share an upload
    MORE_BINDS = 0              # calls to bind one target, after the first
    BINDS = True                # something is bound to what is uploaded
    DENIED = None               # words of "no permission"
    WRONG_REGION = None         # options that name another, and what is said

    def __init__(self):
        super().__init__()
        self.uploads = []
        self.quota = 100
        self.held = set()       # ids that something else uses
        self.denied = False
        self.delay = 0          # looks until a change is seen

    @classmethod
    def label(cls):
        return cls.PRODUCT

    def upload(self, id):
        for u in self.uploads:
            if str(u.id) == str(id):
                return u
        return None

    def check_pem(self, cert, key):
        """As most stores look at them."""
        self.check("\n\n" not in cert and "\r" not in cert, "blank lines")
        self.check(cert.endswith("-----END CERTIFICATE-----\n"), "its end")
        return is_pair(cert, key)

    def writes(self):
        """The requests that change something."""
        return [r for r in self.log if self.is_write(r)]

    def ours(self):
        """SHA-256 of what acmed has uploaded and is there still."""
        return [sha256(u.cert) for u in self.uploads
                if not u.name.startswith("theirs")]

    # --- what each fake says ---

    def keys(self):
        """Options of the credentials."""
        raise NotImplementedError

    def target(self, i=0):
        """Options of the cloud section, of the first or the second target."""
        raise NotImplementedError

    def served(self, i=0):
        """PEM of what that target serves, or None."""
        raise NotImplementedError

    def put_theirs(self, cert, key):
        """Somebody else's upload of a certificate with the same names."""
        u = Upload(self.new_id(), "theirs", cert, key)
        self.uploads.append(u)
        return u
