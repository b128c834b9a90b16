// SPDX-License-Identifier: MIT
/* Numbers of command lines: all digits and in their range, or a message and status 2. */
#include "../../../../native/common/arguments.h"
#include "choice.h"
#include "command_line.h"

const char *const fuzz_words[] = {
	"0", "1", "65535", "65536", "4294967295", "4294967296", "99999999999999999999", "+", "-", " ", "0x", "1e3",
	NULL
};

static uint32_t low, high, found;

static void read_number(int argc, char **argv)
{
	found = argument_number("program", argc > 1 ? argv[1] : "", low, high);
}

/* The number that a text is, -1 for none, and for one that is too large for any option. */
static int64_t number_of(const char *text)
{
	int64_t number = *text ? 0 : -1;

	for (; *text && number >= 0; text++) {
		number = *text < '0' || *text > '9' ? -1 : number * 10 + (*text - '0');
		if (number > UINT32_MAX)
			return strspn(text, "0123456789") == strlen(text) ? INT64_MAX : -1;
	}
	return number;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choice choice = { data, size };
	char *argv[WORDS_MAX + 1];
	struct told told;
	int argc, status;
	int64_t number;

	low = choice_byte(&choice) & 1 ? choice_word(&choice) : 0;
	high = choice_byte(&choice) & 1 ? choice_word(&choice) : UINT32_MAX;
	argc = words_make(argv, "program", choice.data, choice.len);
	number = number_of(argc > 1 ? argv[1] : "");
	told_begin(&told);
	status = program_run(read_number, argc, argv);
	told_end(&told, status);
	CHECK((status == RETURNED) == (number >= low && number <= high));
	CHECK(status == RETURNED ? found == number : status == 2);
	words_free(argv, argc);
	return 0;
}
