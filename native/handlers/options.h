/* SPDX-License-Identifier: MIT */
#ifndef HANDLERS_OPTIONS_H
#define HANDLERS_OPTIONS_H

#include <fastqueue.h>

struct handler_options {
	struct fq_options ring;
	uint32_t verdict;	/* for every packet */
	bool realtime;		/* run before all ordinary programs */
};

/* Read the command line; ends the program with 0 (--help) or 2 (wrong). */
void options_read(struct handler_options *options, int argc, char **argv);

#endif /* HANDLERS_OPTIONS_H */
