// SPDX-License-Identifier: MIT
/* The module as libdaq sees it: the life of a source, and what it says of itself. */
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "source.h"

#define MODULE_VERSION	1

int source_fail(struct source *source, int result, const char *format, ...)
{
	va_list words;

	va_start(words, format);
	vsnprintf(source->error, sizeof(source->error), format, words);
	va_end(words);
	return result;
}

static int source_initialize(const DAQ_Config_t *config, void **handle, char *error, size_t len)
{
	struct source *source = calloc(1, sizeof(*source));
	int result;

	if (!source) {
		snprintf(error, len, "no memory");
		return DAQ_ERROR_NOMEM;
	}
	source->raw4 = source->raw6 = source->wake = -1;
	source->options.default_action = FASTQUEUE_DROP;
	result = variables_read(source, config);
	if (!result) {
		source->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (source->wake < 0)
			result = source_fail(source, DAQ_ERROR, "no eventfd");
	}
	if (result) {
		snprintf(error, len, "fastqueue: %s", source->error);
		free(source);
		return result;
	}
	source->state = DAQ_STATE_INITIALIZED;
	*handle = source;
	return DAQ_SUCCESS;
}

/* Fewer frames where there is no memory for as many. */
static int queue_open(struct source *source)
{
	struct fq_options options = source->options;
	int err;

	do {
		err = fq_open(&source->queue, &options);
		options.frames /= 2;
	} while (err == -ENOMEM && options.frames >= FASTQUEUE_MIN_FRAMES);
	return err;
}

static int source_start(void *handle)
{
	struct source *source = handle;
	int err = queue_open(source);

	if (err) {
		source->queue = NULL;
		return source_fail(source, DAQ_ERROR, "queue %u: %s", source->options.queue,
				   fq_strerror(err));
	}
	inject_open(source);
	source->next = 0;
	memset(&source->reset, 0, sizeof(source->reset));
	source->state = DAQ_STATE_STARTED;
	return DAQ_SUCCESS;
}

/* What was answered leaves; the rest gets the default action. */
static int source_stop(void *handle)
{
	struct source *source = handle;

	if (source->queue) {
		fq_kick(source->queue);
		fq_stats(source->queue, &source->kernel);
		fq_close(source->queue);
		source->queue = NULL;
	}
	inject_close(source);
	source->state = DAQ_STATE_STOPPED;
	return DAQ_SUCCESS;
}

static void source_shutdown(void *handle)
{
	struct source *source = handle;

	source_stop(source);
	filter_free(source);
	close(source->wake);
	free(source);
}

static DAQ_State source_state(void *handle)
{
	return ((struct source *)handle)->state;
}

static void kernel_stats(struct source *source)
{
	if (source->queue)
		fq_stats(source->queue, &source->kernel);
}

static int source_stats(void *handle, DAQ_Stats_t *stats)
{
	struct source *source = handle;

	kernel_stats(source);
	*stats = source->stats;
	stats->hw_packets_received = source->kernel.received - source->reset.received;
	stats->hw_packets_dropped = source->kernel.default_dropped - source->reset.default_dropped;
	return DAQ_SUCCESS;
}

static void source_stats_reset(void *handle)
{
	struct source *source = handle;

	kernel_stats(source);
	source->reset = source->kernel;
	memset(&source->stats, 0, sizeof(source->stats));
}

static int source_snaplen(void *handle)
{
	return (int)((struct source *)handle)->snaplen;
}

static uint32_t source_capabilities(void *handle)
{
	const struct source *source = handle;

	return DAQ_CAPA_BLOCK | DAQ_CAPA_REPLACE | DAQ_CAPA_INJECT | DAQ_CAPA_INJECT_RAW |
	       DAQ_CAPA_BREAKLOOP | DAQ_CAPA_BPF | DAQ_CAPA_DEVICE_INDEX |
	       (source->bypass ? DAQ_CAPA_WHITELIST : 0);
}

static int source_datalink(void *handle)
{
	return ((struct source *)handle)->datalink;
}

static const char *source_error(void *handle)
{
	return ((struct source *)handle)->error;
}

static void source_error_set(void *handle, const char *text)
{
	source_fail(handle, 0, "%s", text ? text : "");
}

static int source_device_index(void *handle, const char *device)
{
	unsigned int index = if_nametoindex(device);

	(void)handle;
	return index ? (int)index : DAQ_ERROR_NODEV;
}

extern const DAQ_Module_t DAQ_MODULE_DATA;
__attribute__((visibility("default"))) const DAQ_Module_t DAQ_MODULE_DATA = {
	.api_version = DAQ_API_VERSION,
	.module_version = MODULE_VERSION,
	.name = "fastqueue",
	/* ALLOC asks for CAP_NET_ADMIN, so rights cannot be given up before start() */
	.type = DAQ_TYPE_INTF_CAPABLE | DAQ_TYPE_INLINE_CAPABLE | DAQ_TYPE_MULTI_INSTANCE |
		DAQ_TYPE_NO_UNPRIV,
	.initialize = source_initialize,
	.set_filter = source_filter,
	.start = source_start,
	.acquire = source_acquire,
	.inject = source_inject,
	.breakloop = source_break,
	.stop = source_stop,
	.shutdown = source_shutdown,
	.check_status = source_state,
	.get_stats = source_stats,
	.reset_stats = source_stats_reset,
	.get_snaplen = source_snaplen,
	.get_capabilities = source_capabilities,
	.get_datalink_type = source_datalink,
	.get_errbuf = source_error,
	.set_errbuf = source_error_set,
	.get_device_index = source_device_index,
};
