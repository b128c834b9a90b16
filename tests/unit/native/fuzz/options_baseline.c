// SPDX-License-Identifier: MIT
/* The command line of the NFQUEUE baseline. */
#include "../../../../native/nfqueue-baseline/baseline.h"
#include "command_line.h"

const char *const fuzz_words[] = {
	"--queue", "--batch", "--copy-range", "--maxlen=", "--buffer", "--gso", "--fail-open", "--drop",
	"--help", "\n", "\n1\n", "65535", "65536", "1024", "2147483647", "2147483648", "=", "--", NULL
};

static struct options options;

static void read_options(int argc, char **argv)
{
	options_read(&options, argc, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 1];
	int argc = words_make(argv, "nfqueue-baseline", data, size), status;
	struct told told;

	told_begin(&told);
	status = program_run(read_options, argc, argv);
	told_end(&told, status);
	CHECK(status == RETURNED || status == 0 || status == 2);
	if (status == RETURNED) {
		CHECK(options.queue < 65536 && options.copy_range < 65536);
		CHECK(options.batch >= 1 && options.batch <= 1024);
		CHECK(options.maxlen >= 1 && options.maxlen <= INT32_MAX);
		CHECK(options.buffer >= 4096 && options.buffer <= INT32_MAX);
	}
	words_free(argv, argc);
	return 0;
}
