// SPDX-License-Identifier: MIT
/*
 * fastqueue-run PROGRAM ARGS...: a program that was linked against
 * libnetfilter_queue, over /dev/fastqueue. All it does is to set LD_PRELOAD;
 * --environment prints the setting, for services.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/printable.h"
#include "environment.h"

#ifndef PLACE
#define PLACE "/usr/lib/fastqueue/compat"
#endif

static const char usage[] =
	"usage: fastqueue-run [--gso] PROGRAM [ARGUMENT...]\n"
	"       fastqueue-run --environment\n"
	"Run a program that was made for NFQUEUE (libnetfilter_queue) over Fast Queue.\n"
	"  --environment  print the variable that does it, for services\n"
	"  --gso          hand over GSO packets whole, up to 64 KB, also where the program\n"
	"                 does not ask for them (as FASTQUEUE_GSO=1)\n"
	"FASTQUEUE_WHOLE_MESSAGES=1 is for programs that look into messages by themselves.\n"
	"Both variables are 1 or 0 (default).\n"
	"Exit status: the program's; 126 it cannot be run, 127 it is not there, 2 wrong arguments\n"
	"or variables.\n";

/* The value of LD_PRELOAD; libnfnetlink's stand-in only if there is none. NULL without memory. */
static char *environment(void)
{
	const char *before = getenv("LD_PRELOAD");
	bool stand_in = !dlopen("libnfnetlink.so.0", RTLD_LAZY);
	char *value;

	if (asprintf(&value, "%s/libnetfilter_queue.so.1%s%s%s", PLACE,
		     stand_in ? ":" PLACE "/libnfnetlink.so.0" : "",
		     before && *before ? ":" : "", before ? before : "") < 0)
		return NULL;
	return value;
}

/* The file that a name without a slash means, or the name itself. */
static char *find(const char *name)
{
	const char *path = getenv("PATH"), *end;
	char *file;

	for (; path && !strchr(name, '/'); path = *end ? end + 1 : NULL) {
		end = strchrnul(path, ':');
		/* an empty entry is the working directory */
		if (asprintf(&file, "%.*s%s%s", (int)(end - path), path, end > path ? "/" : "./",
			     name) < 0)
			return NULL;
		if (!access(file, X_OK))
			return file;
		free(file);
	}
	return strdup(name);
}

static bool has_interpreter(int fd, const Elf32_Ehdr *header)
{
	Elf32_Phdr segment;
	int i;

	for (i = 0; i < header->e_phnum; i++) {
		if (pread(fd, &segment, sizeof(segment), header->e_phoff +
			  (off_t)i * header->e_phentsize) != sizeof(segment))
			return true;
		if (segment.p_type == PT_INTERP)
			return true;
	}
	return false;
}

static void say(const char *file, const char *what)
{
	fputs("fastqueue-run: ", stderr);
	printable_print(stderr, file, strlen(file));
	fprintf(stderr, ": %s\n", what);
}

/* Say what cannot work: libraries reach neither static nor privileged programs. */
static void check(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	Elf32_Ehdr header;
	struct stat status;

	if (fd < 0)
		return;
	if (pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
	    !memcmp(header.e_ident, ELFMAG, SELFMAG) &&
	    header.e_ident[EI_CLASS] == ELFCLASS32 && !has_interpreter(fd, &header))
		say(file, "linked statically; if it speaks netlink, it does so by itself, "
		    "and not over /dev/fastqueue");
	if (!fstat(fd, &status) && status.st_mode & (S_ISUID | S_ISGID) && geteuid())
		say(file, "runs with another user's rights, and so without this library; "
		    "start it as that user");
	close(fd);
}

static int wrong(void)
{
	fputs(usage, stderr);
	return 2;
}

static bool environment_is_right(void)
{
	static const char *const names[] = { ENVIRONMENT_GSO, ENVIRONMENT_WHOLE_MESSAGES };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (environment_read(names[i]) >= 0)
			continue;
		fprintf(stderr, "fastqueue-run: the environment's %s is neither 0 nor 1\n", names[i]);
		return false;
	}
	return true;
}

/* Returns only if the program cannot be run. */
static int program_run(char **argv, const char *value)
{
	char *file = find(argv[0]);
	int err;

	if (!file)
		return 126;
	check(file);
	setenv("LD_PRELOAD", value, 1);
	execv(file, argv);
	err = errno;
	say(argv[0], strerror(err));
	free(file);
	return err == ENOENT ? 127 : 126;
}

static int arguments_do(int argc, char **argv, const char *value)
{
	if (!strcmp(argv[1], "--environment") && argc == 2) {
		printf("LD_PRELOAD=%s\n", value);
		return 0;
	}
	if (!strcmp(argv[1], "--gso")) {
		setenv(ENVIRONMENT_GSO, "1", 1);
		argv++;
	}
	if (!argv[1] || argv[1][0] == '-')
		return wrong();
	if (!environment_is_right())
		return 2;
	return program_run(argv + 1, value);
}

int main(int argc, char **argv)
{
	char *value;
	int status;

	if (argc < 2)
		return wrong();
	if (!strcmp(argv[1], "--help") && argc == 2) {
		fputs(usage, stdout);
		return 0;
	}
	value = environment();
	status = value ? arguments_do(argc, argv, value) : 126;
	free(value);
	return status;
}
