/* SPDX-License-Identifier: MIT */
/*
 * daq_fastqueue: a packet source of libdaq 2 (Snort 2.9) over /dev/fastqueue.
 *
 * A source stands between a queue's ring and the analysis function of the
 * program: frames are handed out in place, and the verdict is the frame's word.
 */
#ifndef DAQ_SOURCE_H
#define DAQ_SOURCE_H

#include <daq_api.h>
#include <fastqueue.h>
#include <sfbpf.h>
#include <signal.h>
#include <stdbool.h>

struct source {
	struct fq_options options;
	struct fq_queue *queue;		/* NULL unless started */
	uint32_t next;			/* count of the next frame to hand out */
	uint32_t snaplen;		/* bytes of a packet that the program sees */
	int timeout_ms;			/* of an acquire() without packets, -1: none */
	int datalink;			/* DLT_* */
	bool passive;			/* everything passes */
	bool bypass;			/* cleared flows get a mark */
	uint32_t bypass_mark;
	int wake;			/* eventfd, and why it is readable */
	volatile sig_atomic_t broken;
	bool filtered;
	struct sfbpf_program filter;
	int raw4, raw6;			/* for packets of the program's own */
	DAQ_State state;
	DAQ_Stats_t stats;		/* without the kernel's counters */
	struct fastqueue_stats kernel;	/* when the queue was closed */
	struct fastqueue_stats reset;	/* when they were last reset */
	char error[DAQ_ERRBUF_SIZE];
};

/* Functions return DAQ_SUCCESS or DAQ_ERROR_*; the reason is in error. */
int source_fail(struct source *source, int result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* variables.c: what the command line says (--daq-var). */
int variables_read(struct source *source, const DAQ_Config_t *config);

/* acquire.c */
int source_acquire(void *handle, int count, DAQ_Analysis_Func_t analyse, DAQ_Meta_Func_t meta,
		   void *user);
int source_break(void *handle);

/* filter.c: packets that it does not match pass unseen. */
int source_filter(void *handle, const char *text);
bool filter_matches(const struct source *source, const struct fq_frame *frame);
void filter_free(struct source *source);

/* inject.c */
void inject_open(struct source *source);
void inject_close(struct source *source);
int source_inject(void *handle, const DAQ_PktHdr_t *header, const uint8_t *packet, uint32_t len,
		  int reverse);

#endif /* DAQ_SOURCE_H */
