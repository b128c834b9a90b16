// SPDX-License-Identifier: MIT
/* The smallest handler: let every packet of queue 0 go on. */
#include <fastqueue.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct fq_options options = FQ_OPTIONS_INIT;
	struct fq_queue *queue;
	int number, err;

	if (argc > 1) {
		fprintf(stderr, "accept: found '%s', expected no arguments\n", argv[1]);
		return 2;
	}
	err = fq_open(&queue, &options);
	if (err) {
		fprintf(stderr, "accept: %s\n", fq_strerror(err));
		return 1;
	}
	/* Sleeps until packets come, and says how many; -EINTR after a signal. */
	while ((number = fq_wait(queue, -1)) >= 0)
		fq_set_verdict_batch(queue, fq_first(queue), number, FASTQUEUE_ACCEPT);
	fq_close(queue);
	return 0;
}
