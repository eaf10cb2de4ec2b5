/* SPDX-License-Identifier: MIT */
/* version - an installed version that is always the same, for targets that
 * deploy it: its fingerprint may be in a corpus. */
#ifndef TESTS_FUZZ_VERSION_H
#define TESTS_FUZZ_VERSION_H

#define VERSION_NAME	"www.example.test"
#define VERSION_SERIAL	"4acced0123456789abcdef"

/* Its directory, made at the first call. */
const char	*version_dir(void);
/* PEM of the leaf. */
const char	*version_leaf(void);

#endif
