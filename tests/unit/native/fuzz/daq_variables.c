// SPDX-License-Identifier: MIT
/* The DAQ module's variables, mode, snap length and time limit: a ring that can be had, or an error. */
#include "choice.h"
#include "daq_host.h"
#include "driver.h"

const char *const fuzz_words[] = {
	"queue=", "frames=", "frames=100",
	"proto=ip4", "proto=ip6", "bypass_mark=", "fail_open", "gso", "\n", "=", "0x10",
	"010", "65535", "65536", "8", "2048", "4294967295", "4294967296", "-1", "+1", NULL
};

static void source_check(const struct source *source, const DAQ_Config_t *config)
{
	const struct fq_options *options = &source->options;

	CHECK(options->queue <= FASTQUEUE_MAX_QUEUE);
	CHECK(options->frames >= FASTQUEUE_MIN_FRAMES && options->frames <= FASTQUEUE_MAX_FRAMES);
	CHECK(!(options->frames & (options->frames - 1)));
	CHECK(options->frame_size >= FASTQUEUE_MIN_FRAME_SIZE);
	CHECK(options->frame_size <= FASTQUEUE_MAX_FRAME_SIZE && !(options->frame_size % 64));
	CHECK(options->copy_range <= options->frame_size);
	CHECK(!(options->flags & ~(FASTQUEUE_F_GSO | FASTQUEUE_F_WRITABLE)));
	CHECK(source->passive == !(options->flags & FASTQUEUE_F_WRITABLE));
	CHECK(source->snaplen && (config->snaplen <= 0 || source->snaplen == (uint32_t)config->snaplen));
	CHECK(source->timeout_ms == -1 || source->timeout_ms > 0);
	CHECK(source->datalink == DLT_IPV4 || source->datalink == DLT_IPV6);
	CHECK(options->default_action == FASTQUEUE_DROP || options->default_action == FASTQUEUE_ACCEPT);
}

static bool is_known(const char *key)
{
	static const char *const known[] = { "queue", "frames", "proto", "bypass_mark", "fail_open", "gso" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(key, known[i]))
			return true;
	return false;
}

static bool all_known(const DAQ_Dict *values)
{
	while (values && is_known(values->key))
		values = values->next;
	return !values;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choice choice = { data, size };
	char *error;
	DAQ_Config_t config = {
		.mode = choice_byte(&choice) % 4,
		.snaplen = (int)choice_word(&choice),
		.timeout = choice_word(&choice),
	};
	size_t room = choice_byte(&choice) + 1u;
	void *handle = NULL;
	int result;

	config.values = values_make(choice.data, choice.len);
	error = malloc(room);
	result = DAQ_MODULE_DATA.initialize(&config, &handle, error, room);
	CHECK((result == DAQ_SUCCESS) == (handle != NULL));
	if (handle) {
		CHECK(all_known(config.values));
		source_check(handle, &config);
		DAQ_MODULE_DATA.shutdown(handle);
	} else {
		CHECK(memchr(error, '\0', room));
		CHECK(*error || room == 1);
	}
	free(error);
	values_free(config.values);
	return 0;
}
