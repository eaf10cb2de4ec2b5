/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/fuzz/replies.h"

#define LEAF \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBWDCB/6ADAgECAgtKzO0BI0VniavN7zAKBggqhkjOPQQDAjASMRAwDgYDVQQD\n" \
    "DAdGdXp6IENBMB4XDTI3MDEwMTAwMDAwMFoXDTI3MDQwMTAwMDAwMFowGzEZMBcG\n" \
    "A1UEAwwQd3d3LmV4YW1wbGUudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA\n" \
    "BGZRFWWcq34UKbhR0mAo0dwSrwItOxlMk6bZUdAloVV+adeWaTd1/PCd9JD38ma/\n" \
    "rYgcE4KQGmBaAmqy8hLyZnejMzAxMC8GA1UdEQQoMCaCEHd3dy5leGFtcGxlLnRl\n" \
    "c3SCEioud3d3LmV4YW1wbGUudGVzdDAKBggqhkjOPQQDAgNIADBFAiBaEcAeuGEo\n" \
    "rNCE/c/XxHJUBYi3W9wewNgTeZZcHmMjZgIhAI20dRgbuiM2U0vgdrlesuJx7ikY\n" \
    "l6s7oYRBngDr+i8P\n" \
    "-----END CERTIFICATE-----\n"
#define CA \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBJTCBzKADAgECAgECMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB0Z1enogQ0Ew\n" \
    "HhcNMjcwMTAxMDAwMDAwWhcNMzcwMTAxMDAwMDAwWjASMRAwDgYDVQQDDAdGdXp6\n" \
    "IENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfCpc5P0D8YwSgeI33R7q+Yqx\n" \
    "8ukBm3OcN8XflPtVGrX/y3cFy6L1H3Bmyk+ykiyTPiKDBazdJ3BXBmiPyPseS6MT\n" \
    "MBEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAkEIWHsoSjtZj\n" \
    "pxy8KhJLG+iZju2vOKwADttGX4iFhnYCIFo/M6aTP2XWX2SrgUCEk4QEREYaITy0\n" \
    "Wgjpq3UgG1LS\n" \
    "-----END CERTIFICATE-----\n"
static const char key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXOnTZukcfq3dpz4f\n"
    "Wb9qRuNFVZNmJhBEZejUagjcLPihRANCAARmURVlnKt+FCm4UdJgKNHcEq8CLTsZ\n"
    "TJOm2VHQJaFVfmnXlmk3dfzwnfSQ9/Jmv62IHBOCkBpgWgJqsvIS8mZ3\n"
    "-----END PRIVATE KEY-----\n";

static const struct {
	const char	*name, *text;
} files[] = {
	{ "privkey.pem", key },
	{ "cert.pem", LEAF },
	{ "chain.pem", CA },
	{ "fullchain.pem", LEAF CA },
};
#define N_FILES (sizeof(files) / sizeof(files[0]))

static char dir[] = "/tmp/acmed-fuzz-XXXXXX";

static char *
path_of(size_t i)
{
	return xasprintf("%s/%s", dir, files[i].name);
}

static void
remove_files(void)
{
	for (size_t i = 0; i < N_FILES; i++) {
		char *path = path_of(i);

		(void)unlink(path);
		free(path);
	}
	(void)rmdir(dir);
}

const char *
version_dir(void)
{
	static bool is_there;

	if (is_there)
		return dir;
	need(mkdtemp(dir) != NULL);
	(void)atexit(remove_files);
	for (size_t i = 0; i < N_FILES; i++) {
		char *path = path_of(i);
		FILE *f = fopen(path, "w");

		need(f != NULL && fputs(files[i].text, f) >= 0 &&
		    fclose(f) == 0);
		free(path);
	}
	is_there = true;
	return dir;
}

const char *
version_leaf(void)
{
	return LEAF;
}
