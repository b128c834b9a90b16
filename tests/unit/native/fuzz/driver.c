// SPDX-License-Identifier: MIT
/*
 * driver RUNS SECONDS SEED CURRENT CORPUS [FOUND]
 *
 * Gives the target the files of CORPUS, then changes of them and of all inputs that
 * reached something new: RUNS inputs, and more until SECONDS are over. CURRENT is
 * a file that holds the input that is being run, also after the program died of it.
 * Inputs that reached something new go to FOUND, those of CORPUS if they reached a
 * new edge: without RUNS and SECONDS that is a smaller corpus for the same edges.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "driver.h"

#define INPUT_SECONDS 30	/* that one input may take, unless the environment says otherwise */
#define POOL_MAX 4096

static struct input *pool[POOL_MAX];
static uint32_t pool_len;
static struct input *current;
static unsigned long runs;
static unsigned int input_seconds = INPUT_SECONDS;

static void die(const char *what)
{
	dprintf(2, "driver: %s: %m\n", what);
	exit(3);
}

static void pool_add(const struct input *input)
{
	struct input *copy = malloc(sizeof(*copy));

	if (!copy)
		die("malloc");
	*copy = *input;
	if (pool_len < POOL_MAX) {
		pool[pool_len++] = copy;
	} else {
		uint32_t at = chance(POOL_MAX);

		free(pool[at]);
		pool[at] = copy;
	}
}

/* The target has the input in memory of just its length. Returns whether it reached something new. */
static bool input_run(const struct input *input, bool *edge)
{
	uint8_t *data = malloc(input->len);

	*current = *input;
	memcpy(data, input->data, input->len);
	alarm(input_seconds);
	coverage_begin();
	LLVMFuzzerTestOneInput(data, input->len);
	free(data);
	runs++;
	return coverage_is_new(edge);
}

static void found_write(const char *folder, const struct input *input)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%08lu", folder, runs);
	file = fopen(path, "wb");
	if (!file || fwrite(input->data, 1, input->len, file) != input->len || fclose(file))
		die(path);
}

static int name_compare(const struct dirent **one, const struct dirent **two)
{
	return strcmp((*one)->d_name, (*two)->d_name);
}

static void file_run(const char *folder, const char *name, const char *found)
{
	static struct input input;
	char path[4096];
	FILE *file;
	bool edge;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file)
		die(path);
	input.len = fread(input.data, 1, INPUT_MAX, file);
	fclose(file);
	input_run(&input, &edge);
	pool_add(&input);
	if (edge && found)
		found_write(found, &input);
}

static void corpus_run(const char *folder, const char *found)
{
	struct dirent **names;
	int number = scandir(folder, &names, NULL, name_compare), i;

	if (number < 0)
		die(folder);
	for (i = 0; i < number; i++) {
		if (names[i]->d_name[0] != '.')
			file_run(folder, names[i]->d_name, found);
		free(names[i]);
	}
	free(names);
	if (!pool_len)
		pool_add(&(struct input){ 0 });
}

/* The newest inputs are the most promising: half of the time it is one of those. */
static const struct input *pool_take(void)
{
	uint32_t recent = pool_len / 8 + 1;

	return pool[chance(2) ? chance(pool_len) : pool_len - 1 - chance(recent)];
}

static void changed_run(const char *found)
{
	static struct input input;
	bool edge;

	input = *pool_take();
	mutate(&input, pool[chance(pool_len)]);
	if (!input_run(&input, &edge))
		return;
	pool_add(&input);
	if (found)
		found_write(found, &input);
}

static void current_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*current)))
		die(path);
	current = mmap(NULL, sizeof(*current), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (current == MAP_FAILED)
		die(path);
	close(fd);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	const char *found = argc == 7 ? argv[6] : NULL;
	const char *seconds = getenv("FASTQUEUE_FUZZ_INPUT_SECONDS");
	unsigned long wanted;
	double end;

	if (argc != 6 && argc != 7) {
		dprintf(2, "usage: %s RUNS SECONDS SEED CURRENT CORPUS [FOUND]\n", argv[0]);
		return 2;
	}
	if (seconds)
		input_seconds = (unsigned int)strtoul(seconds, NULL, 10);
	wanted = strtoul(argv[1], NULL, 10);
	end = now() + strtod(argv[2], NULL);
	chance_seed(strtoull(argv[3], NULL, 10));
	current_map(argv[4]);
	/* what targets print is of no interest; the sanitizers write to the descriptor */
	stdout = stderr = fopen("/dev/null", "w");
	corpus_run(argv[5], found);
	while (runs < wanted || now() < end)
		changed_run(found);
	dprintf(1, "%lu inputs, %u edges, %u kept\n", runs, coverage_edges(), pool_len);
	while (pool_len)
		free(pool[--pool_len]);
	return 0;
}
