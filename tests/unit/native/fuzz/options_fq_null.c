// SPDX-License-Identifier: MIT
/* The command line of the reference handler. */
#include "../../../../native/handlers/options.h"
#include "command_line.h"

const char *const fuzz_words[] = {
	"--queue", "--frames", "--frame-size=", "--copy-range", "--period-us", "--timeout-ms", "--default",
	"--timer-only", "--gso", "--drop", "--realtime", "--help", "accept", "drop", "\n", "\n1\n",
	"4294967295", "4294967296", "99999999999999999999", "=", "--", NULL
};

static struct handler_options options;

static void read_options(int argc, char **argv)
{
	options_read(&options, argc, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 1];
	int argc = words_make(argv, "fq-null", data, size), status;
	struct told told;

	told_begin(&told);
	status = program_run(read_options, argc, argv);
	told_end(&told, status);
	CHECK(status == RETURNED || status == 0 || status == 2);
	if (status == RETURNED) {
		CHECK(options.verdict == FASTQUEUE_ACCEPT || options.verdict == FASTQUEUE_DROP);
		CHECK(options.ring.default_action <= FASTQUEUE_ACCEPT);
		CHECK(!(options.ring.flags & ~(FASTQUEUE_F_TIMER_ONLY | FASTQUEUE_F_GSO)));
	}
	words_free(argv, argc);
	return 0;
}
