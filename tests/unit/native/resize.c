// SPDX-License-Identifier: MIT
/* Exchange the ring with packets in it; then answer them. */
#include <errno.h>
#include <fastqueue.h>
#include <signal.h>

int main(void)
{
	struct fq_options options = FQ_OPTIONS_INIT;
	struct fq_queue *queue;
	int number;

	signal(SIGINT, SIG_IGN);	/* how the model of the device ends it */
	options.frames = 16;
	if (fq_open(&queue, &options) || fq_wait(queue, -1) != 5)
		return 1;
	options.frames = 4;
	if (fq_resize(queue, &options) != -EBUSY)
		return 2;
	fq_set_verdict(queue, fq_first(queue), FASTQUEUE_ACCEPT);	/* the old ring is still good */
	fq_kick(queue);
	options.frames = 64;
	options.frame_size = 256;
	if (fq_resize(queue, &options))
		return 3;
	number = fq_wait(queue, 0);
	if (number < 4 || fq_first(queue) != 0)
		return 4;
	for (; number > 0; number = fq_wait(queue, -1))
		fq_set_verdict_batch(queue, fq_first(queue), number, FASTQUEUE_DROP);
	options.frames = 1024;	/* the model's ring of so many cannot be mapped */
	if (fq_resize(queue, &options) != -EPIPE || fq_wait(queue, 0) != -EPIPE ||
	    fq_head(queue) != fq_tail(queue))
		return 5;
	fq_set_verdict_batch(queue, 3, 8, FASTQUEUE_DROP);
	fq_close(queue);
	return 0;
}
