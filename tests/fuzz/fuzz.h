/* SPDX-License-Identifier: MIT */
/*
 * fuzz - what every target in tests/fuzz defines: one input, any bytes, must
 * return 0 and do no harm.  Broken promises abort().  Built with
 * --enable-fuzzers --enable-sanitizers and clang a target is a libFuzzer
 * program; else driver.c runs it over its corpus, as `make check` does.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
