// SPDX-License-Identifier: MIT
/* Reading and writing sequences as text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sequence.h"

#define LINE_SIZE	512

unsigned int argument_count(const struct call_type *type)
{
	unsigned int count = 0;

	while (count < MAX_ARGUMENTS && type->arguments[count].name)
		count++;
	return count;
}

void call_init(struct call *call, unsigned int type)
{
	unsigned int i, count = argument_count(&call_types[type]);

	memset(call, 0, sizeof(*call));
	call->type = type;
	for (i = 0; i < count; i++)
		call->arguments[i] = call_types[type].arguments[i].standard;
}

static int wrong(const char *what, const char *word)
{
	fprintf(stderr, "corpus: %s: %s\n", what, word);
	return -1;
}

static int parse_number(const char *text, uint32_t *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 0);
	if (errno || *end || end == text || value > UINT32_MAX)
		return wrong("not a number of 32 bits", text);
	*number = value;
	return 0;
}

static int parse_argument(struct call *call, char *word)
{
	const struct call_type *type = &call_types[call->type];
	unsigned int i, count = argument_count(type);
	char *value = strchr(word, '=');
	uint32_t number;

	if (!strcmp(word, "async")) {
		call->async = true;
		return 0;
	}
	if (!value)
		return wrong("argument=value expected", word);
	*value++ = '\0';
	if (parse_number(value, &number))
		return -1;
	if (!strcmp(word, "fail")) {
		call->fail = number;
		return 0;
	}
	for (i = 0; i < count; i++) {
		if (!strcmp(word, type->arguments[i].name)) {
			call->arguments[i] = number;
			return 0;
		}
	}
	return wrong("no such argument", word);
}

static int parse_call(struct call *call, char *line)
{
	char *save, *word = strtok_r(line, " \t\n", &save);
	unsigned int type;

	for (type = 0; type < call_type_count; type++)
		if (!strcmp(word, call_types[type].name))
			break;
	if (type == call_type_count)
		return wrong("no such call", word);
	call_init(call, type);
	while ((word = strtok_r(NULL, " \t\n", &save)))
		if (parse_argument(call, word))
			return -1;
	return 0;
}

int sequence_read(FILE *file, struct sequence *sequence)
{
	char line[LINE_SIZE];

	sequence->length = 0;
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#')
			continue;
		if (!line[strspn(line, " \t\n")]) {
			if (sequence->length)
				return 1;
			continue;
		}
		if (sequence->length == MAX_CALLS)
			return wrong("too many calls in a sequence, at", line);
		if (parse_call(&sequence->calls[sequence->length++], line))
			return -1;
	}
	return sequence->length != 0;
}

static void call_write(FILE *file, const struct call *call)
{
	const struct call_type *type = &call_types[call->type];
	unsigned int i, count = argument_count(type);

	fputs(type->name, file);
	for (i = 0; i < count; i++) {
		const struct argument *argument = &type->arguments[i];

		if (call->arguments[i] != argument->standard)
			fprintf(file, call->arguments[i] > 65536 ? " %s=%#x" : " %s=%u",
				argument->name, call->arguments[i]);
	}
	if (call->fail)
		fprintf(file, " fail=%u", call->fail);
	fputs(call->async ? " async\n" : "\n", file);
}

void sequence_write(FILE *file, const struct sequence *sequence)
{
	unsigned int i;

	for (i = 0; i < sequence->length; i++)
		call_write(file, &sequence->calls[i]);
	fputc('\n', file);
}
