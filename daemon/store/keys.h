/* SPDX-License-Identifier: MIT */
/*
 * keys - private keys, CSRs and received certificate chains.
 */
#ifndef DAEMON_STORE_KEYS_H
#define DAEMON_STORE_KEYS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/config/conf.h"

struct children;
struct error;
struct keygen_op;
struct loop;

/* Do these two PEM files belong together?  Errors: of reading them;
 * "store:mismatch". */
int		 key_files_check(const char *cert, const char *key,
		    struct error *);

/* PKCS#8 PEM; the caller frees with freezero_str(). */
char		*key_to_pem(const EVP_PKEY *);
/* The same key as older software wants it, "BEGIN RSA PRIVATE KEY" or "BEGIN EC
 * PRIVATE KEY"; NULL and err.  The caller frees with freezero_str(). */
char		*key_pem_traditional(const char *pem, struct error *);
/* NULL and ERR_CONFIG "key:syntax"; the caller frees with EVP_PKEY_free(). */
EVP_PKEY	*key_from_pem(const char *pem, struct error *);
/*
 * Does it sign what it verifies?  EVP_PKEY_pairwise_check() would look whether
 * the factors of RSA are primes, and hold the loop for a second.
 */
bool		 key_is_pair(EVP_PKEY *);
/* Does the key (or public key) have this type and size? */
bool		 key_is_type(const EVP_PKEY *, enum key_type);
/* Its type, or KEY_TYPE_END if it is none of ours. */
enum key_type	 key_type_of(const EVP_PKEY *);

/* Make a key at once.  EC only takes microseconds; RSA up to seconds: in the
 * daemon use keygen_start(). */
EVP_PKEY	*key_generate(enum key_type, struct error *);

/*
 * Make a key without holding the loop: EC in the next turn, RSA in a child
 * process (this program again, with argv[1] "--generate-key"; see
 * keygen_child_main()).  key is borrowed in done: take EVP_PKEY_up_ref().
 */
typedef void keygen_done_cb(const struct error *err, EVP_PKEY *key,
    void *arg);
struct keygen_op *keygen_start(struct loop *, struct children *,
		    enum key_type, keygen_done_cb *done, void *arg);
void		 keygen_cancel(struct keygen_op *);
/* `acmed --generate-key TYPE`: the key's PEM on stdout; the exit status. */
int		 keygen_child_main(const char *type);

/* PKCS#10 in DER: SAN only, no CN; the caller frees.  names may begin with
 * "*."; at least one. */
int		 csr_make(EVP_PKEY *, const char *const *names,
		    size_t n_names, unsigned char **der, size_t *der_len,
		    struct error *);

/* The CA that issued a certificate: NULL where that is not known. */
struct cert_ca {
	char		*directory;	/* its URL */
	char		*account;	/* the name that was configured */
};

#define CSR_HASH_SIZE 65	/* of csr.h's struct csr, hex */

/* What the daemon remembers of a certificate; no X509 object stays. */
struct cert_info {
	char		 serial[64];	/* lower-case hex, no leading zeros cut
					   off bytes: "03af..." */
	char		 issuer[256];	/* CN of the issuer, or its O */
	time_t		 not_before, not_after;
	enum key_type	 key;		/* KEY_TYPE_END if none of ours */
	char		**names;	/* dNSName SANs, lower case;
					   NULL-terminated */
	char		 ari_id[128];	/* RFC 9773 section 4.1; "" if there is
					   no authority key identifier */
	char		 sha256[65];	/* fingerprint of the leaf, hex */
	struct cert_ca	 ca;		/* of what was read from the store */
	struct cert_info *second;	/* the other one of a pair, in the same
					   version; owned.  NULL: it is none */
	char		 csr[CSR_HASH_SIZE];	/* the same: what it was asked
					   for with; "": its key is here */
};
void		 cert_ca_clear(struct cert_ca *);
void		 cert_info_clear(struct cert_info *);

/* Read the first certificate of a PEM chain (bounded at 256 KiB). */
int		 cert_info_read(const char *pem, size_t len,
		    struct cert_info *, struct error *);

/* Are privkey.pem (or csr.pem), cert.pem, chain.pem and fullchain.pem in this
 * directory whole, and do they belong together?  ERR_INTERNAL
 * "store:damaged". */
int		 cert_files_check(const char *dir, struct error *);

/* Are all of these names in the certificate, or covered by a wildcard in it? */
bool		 cert_info_serves(const struct cert_info *,
		    const char *const *names, size_t n_names);

/* What chain_fit() made of a chain. */
struct chain_fit {
	char	*pem;		/* leaf first, each signed by the next; the
				   caller frees */
	char	 extra[256];	/* names in it that nobody asked for, "a, b";
				   or "" */
	time_t	 not_after;	/* of the leaf, also of one that does not fit;
				   0: there is none */
};

/*
 * Does this chain, as a CA sent it, serve what was asked for?  The leaf is the
 * certificate with this key, wherever it stands; those that follow are put in
 * order, what belongs to none of them is left out.  At most 10 certificates.
 * All names are in the leaf (or a wildcard that covers them); more may be.
 * Its dates make sense now; a clock that is 5 minutes slow is borne.
 * ERR_REJECTED "cert:..." says what is wrong: "cert:expired" and
 * "cert:not-yet" (retry_at is when it will do) may be for our clock.
 */
int		 chain_fit(const char *pem, size_t len, EVP_PKEY *,
		    const char *const *names, size_t n_names,
		    struct chain_fit *, struct error *);
/*
 * The same of a chain that must be perfect: in order already, and with these
 * names only.
 */
int		 chain_verify(const char *pem, size_t len, EVP_PKEY *,
		    const char *const *names, size_t n_names,
		    struct error *);

/* Is this the key of its leaf? */
bool		 chain_is_for(const char *pem, size_t len, const EVP_PKEY *);

/*
 * Does the chain's last issuer (or any subject in it) have this common name?
 * As certbot's and lego's preferred chain option.
 */
bool		 chain_is_preferred(const char *pem, size_t len,
		    const char *preferred);

#endif
