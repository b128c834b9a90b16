// SPDX-License-Identifier: MIT
/*
 * Coverage-guided fuzzing of /dev/fastqueue, in the target.
 *
 *	abi-fuzz replay FILE			run the sequences of a file once
 *	abi-fuzz fuzz FILE SECONDS SEED		look for more, and write the file again
 *	abi-fuzz reduce FILE			write the file with what is needed only
 *
 * Each sequence is printed before it runs, so that the last one is known if the
 * kernel does not survive it. Status 1: something went wrong in the last one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

#include "corpus.h"
#include "explore.h"
#include "mutate.h"

#define DEBUG	"/sys/kernel/debug"

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return;		/* a kernel without it */
	fputs(text, file);
	fclose(file);
}

/* Let allocations fail without a report of it, those that may sleep as well. */
static void faults_init(void)
{
	static const char *const names[] = { "failslab", "fail_page_alloc" };
	char path[96];
	unsigned int i;

	mount("debugfs", DEBUG, "debugfs", 0, NULL);
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), DEBUG "/%s/ignore-gfp-wait", names[i]);
		write_file(path, "N");
		snprintf(path, sizeof(path), DEBUG "/%s/verbose", names[i]);
		write_file(path, "0");
	}
}

static void begin(const struct sequence *sequences, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		explore_keep(&sequences[i], &explore_run(&sequences[i])->coverage);
}

static void fuzz(time_t seconds)
{
	time_t until = time(NULL) + seconds;

	while (time(NULL) < until) {
		struct sequence sequence;

		if (!corpus_size || !random_below(10)) {
			sequence_generate(&sequence);
		} else {
			sequence = corpus[random_below(corpus_size)].sequence;
			sequence_mutate(&sequence, &corpus[random_below(corpus_size)].sequence);
		}
		explore_try(&sequence);
	}
}

/* Also print how often each call was done, and how often refused. */
static void replay(const struct sequence *sequences, unsigned int count)
{
	static unsigned int done[256], refused[256];
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		const struct result *result = explore_run(&sequences[i]);

		for (j = 0; j < sequences[i].length; j++)
			(result->results[j] ? refused : done)[sequences[i].calls[j].type]++;
		explore_keep(&sequences[i], &result->coverage);
	}
	for (i = 0; i < call_type_count; i++)
		printf("call %s %u %u\n", call_types[i].name, done[i], refused[i]);
}

static int end(const char *path, bool changed)
{
	char name[256];

	worker_end();
	explore_summary();
	snprintf(name, sizeof(name), "%s.blocks", path);
	explore_write_blocks(name);
	/* without coverage no sequence would be worth keeping */
	return changed && explore_sees() && corpus_write(path) < 0 ? 2 : 0;
}

int main(int argc, char **argv)
{
	static struct sequence sequences[MOST_ENTRIES_KEPT];
	const char *mode = argc > 2 ? argv[1] : "";
	bool fuzzing = argc == 5 && !strcmp(mode, "fuzz");
	bool reducing = argc == 3 && !strcmp(mode, "reduce");
	int count;

	if (!fuzzing && !reducing && (argc != 3 || strcmp(mode, "replay"))) {
		fputs("usage: abi-fuzz replay FILE | reduce FILE | fuzz FILE SECONDS SEED\n", stderr);
		return 2;
	}
	count = corpus_read(argv[2], sequences, MOST_ENTRIES_KEPT);
	faults_init();
	if (count < 0 || worker_init())
		return 2;
	if (!fuzzing && !reducing) {
		replay(sequences, count);
		return end(argv[2], false);
	}
	begin(sequences, count);
	if (!explore_sees() && count)
		fputs("this kernel has no kcov: the corpus stays as it is\n", stderr);
	if (fuzzing) {
		random_seed(strtoull(argv[4], NULL, 0));
		fuzz(strtol(argv[3], NULL, 0));
	} else if (explore_sees()) {
		explore_reduce();
	}
	return end(argv[2], true);
}
