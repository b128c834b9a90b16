// SPDX-License-Identifier: MIT
/*
 * The reference handler: gives every packet the same verdict without a look at
 * it (the paper's NULL handler), so that what is left is the cost of the queue.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "../common/signals.h"
#include "options.h"

/*
 * First in, first out, before all ordinary programs: the scheduler then has less
 * to weigh up for each wake-up. By default the kernel leaves those a twentieth of
 * the time even if the handler never sleeps.
 */
static int realtime(void)
{
	struct sched_param lowest = { .sched_priority = sched_get_priority_min(SCHED_FIFO) };

	return sched_setscheduler(0, SCHED_FIFO, &lowest) ? -errno : 0;
}

static int serve(struct fq_queue *queue, uint32_t verdict)
{
	while (!stopped) {
		int number = fq_wait(queue, -1);

		if (number > 0)
			fq_set_verdict_batch(queue, fq_first(queue), number, verdict);
		else if (number < 0 && number != -EINTR)
			return number;
	}
	return fq_kick(queue);
}

static int counters_print(struct fq_queue *queue, uint32_t number)
{
	struct fastqueue_stats s;
	int err = fq_stats(queue, &s);

	if (err)
		return err;
	printf("queue %u: received %llu, accepted %llu, dropped %llu, flushed %llu, "
	       "default action %llu\n",
	       number, (unsigned long long)s.received, (unsigned long long)s.accepted,
	       (unsigned long long)s.dropped, (unsigned long long)(s.flushed + s.occupied),
	       (unsigned long long)(s.default_accepted + s.default_dropped));
	return 0;
}

int main(int argc, char **argv)
{
	struct handler_options options;
	struct fq_queue *queue;
	int err;

	options_read(&options, argc, argv);
	signals_catch();
	err = options.realtime ? realtime() : 0;
	if (!err)
		err = fq_open(&queue, &options.ring);
	if (err)
		goto out;
	printf("ready: queue %u, %u frames of %u bytes\n", options.ring.queue,
	       options.ring.frames, options.ring.frame_size);
	fflush(stdout);

	err = serve(queue, options.verdict);
	if (!err)
		err = counters_print(queue, options.ring.queue);
	fq_close(queue);
out:
	if (err)
		fprintf(stderr, "fq-null: queue %u: %s\n", options.ring.queue, fq_strerror(err));
	return err ? 1 : 0;
}
