// SPDX-License-Identifier: MIT
/* A target with faults behind words of an input, each of a kind that a run must notice. */
#include <string.h>

#include "driver.h"

static volatile unsigned char sink;
static volatile int shift = 40;
static void *volatile lost;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 7 && !memcmp(data, "ENDLESS", 7))
		for (;;)
			sink++;
	if (size < 5 || data[0] != 'F' || data[1] != 'A')
		return 0;
	if (data[2] != 'U' || data[3] != 'L')
		return 0;
	switch (data[4]) {
	case 'T':
		sink = data[size];
		break;
	case 'S':
		sink = (unsigned char)(1 << shift);
		break;
	case 'L':
		lost = malloc(1000);
		lost = NULL;
		break;
	case 'C':
		CHECK(size == 7);
		break;
	}
	return 0;
}
