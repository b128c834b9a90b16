// SPDX-License-Identifier: MIT
/* Berkeley packet filters, by libdaq's own libsfbpf. */
#include "source.h"

void filter_free(struct source *source)
{
	if (source->filtered)
		sfbpf_freecode(&source->filter);
	source->filtered = false;
}

int source_filter(void *handle, const char *text)
{
	struct source *source = handle;
	struct sfbpf_program program;

	if (sfbpf_compile((int)source->snaplen, source->datalink, &program, text, 1, 0) < 0)
		return source_fail(source, DAQ_ERROR, "not a filter: %s", text);
	filter_free(source);
	source->filter = program;
	source->filtered = true;
	return DAQ_SUCCESS;
}

bool filter_matches(const struct source *source, const struct fq_frame *frame)
{
	return !source->filtered || sfbpf_filter(source->filter.bf_insns, frame->payload,
						 frame->meta->len, frame->cap_len);
}
