// SPDX-License-Identifier: MIT
/* Making up sequences, and changing them. */
#include <string.h>

#include "mutate.h"

static uint64_t state = 1;

void random_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15u | 1;
}

/* xorshift64*, Vigna 2016 */
static uint32_t random_number(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1du >> 32;
}

uint32_t random_below(uint32_t limit)
{
	return limit ? (uint64_t)random_number() * limit >> 32 : 0;
}

static bool one_in(uint32_t chance)
{
	return !random_below(chance);
}

/* Mostly a usual value; else one beside it, or any. */
static uint32_t value_make(const struct argument *argument)
{
	uint32_t value = argument->mask ? random_number() & random_number() & argument->mask :
					  argument->values[random_below(argument->count)];

	if (!one_in(12))
		return value;
	if (one_in(2))
		return value + random_below(3) - 1;
	return one_in(2) ? 1u << random_below(32) : random_number() >> random_below(32);
}

static unsigned int type_choose(void)
{
	unsigned int i, total = 0;
	uint32_t place;

	for (i = 0; i < call_type_count; i++)
		total += call_types[i].weight;
	place = random_below(total);
	for (i = 0; place >= call_types[i].weight; i++)
		place -= call_types[i].weight;
	return i;
}

static void traits_choose(struct call *call)
{
	unsigned int traits = call_types[call->type].traits;

	call->async = traits & MAY_CONCUR && one_in(10);
	call->fail = traits & MAY_FAIL && one_in(16) ? random_below(24) + 1 : 0;
}

static void call_generate(struct call *call, unsigned int type)
{
	unsigned int i, count = argument_count(&call_types[type]);

	call_init(call, type);
	for (i = 0; i < count; i++)
		if (!one_in(3))
			call->arguments[i] = value_make(&call_types[type].arguments[i]);
	traits_choose(call);
}

static unsigned int type_of(const char *name)
{
	unsigned int type = 0;

	while (strcmp(call_types[type].name, name))
		type++;
	return type;
}

/* A queue with its areas mapped: without one, most calls have nothing to do. */
static void begin(struct sequence *sequence)
{
	static const char *const names[] = { "open", "alloc", "map", "map", "send" };
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		call_init(&sequence->calls[i], type_of(names[i]));
	sequence->calls[3].arguments[0] = sequence->calls[3].arguments[2] = 2;	/* payload */
	if (one_in(2))
		call_generate(&sequence->calls[1], type_of("alloc"));
	if (one_in(2))
		call_generate(&sequence->calls[4], type_of("send"));
	sequence->length = i;
}

void sequence_generate(struct sequence *sequence)
{
	unsigned int more = 3 + random_below(10);

	sequence->length = 0;
	if (!one_in(8))
		begin(sequence);
	while (more--)
		call_generate(&sequence->calls[sequence->length++], type_choose());
}

static void call_insert(struct sequence *sequence, unsigned int place, const struct call *call)
{
	if (sequence->length == MAX_CALLS)
		return;
	memmove(&sequence->calls[place + 1], &sequence->calls[place],
		(sequence->length - place) * sizeof(*call));
	sequence->calls[place] = *call;
	sequence->length++;
}

static void call_remove(struct sequence *sequence, unsigned int place)
{
	if (sequence->length < 2)
		return;
	sequence->length--;
	memmove(&sequence->calls[place], &sequence->calls[place + 1],
		(sequence->length - place) * sizeof(sequence->calls[0]));
}

static void argument_change(struct call *call)
{
	const struct call_type *type = &call_types[call->type];
	unsigned int count = argument_count(type), i = random_below(count);

	if (count)
		call->arguments[i] = value_make(&type->arguments[i]);
}

/* The end of @other instead of this one's. */
static void splice(struct sequence *sequence, const struct sequence *other)
{
	unsigned int from = random_below(other->length);

	sequence->length = 1 + random_below(sequence->length);
	while (from < other->length && sequence->length < MAX_CALLS)
		sequence->calls[sequence->length++] = other->calls[from++];
}

static void mutate_once(struct sequence *sequence, const struct sequence *other)
{
	unsigned int place = random_below(sequence->length);
	struct call call;

	switch (random_below(10)) {
	case 0:
	case 1:
	case 2:
		call_generate(&call, type_choose());
		call_insert(sequence, random_below(sequence->length + 1), &call);
		break;
	case 3:
		call_remove(sequence, place);
		break;
	case 4:
		call = sequence->calls[place];
		call_insert(sequence, random_below(sequence->length + 1), &call);
		break;
	case 5:
		splice(sequence, other);
		break;
	case 6:
		traits_choose(&sequence->calls[place]);
		break;
	default:
		argument_change(&sequence->calls[place]);
	}
}

void sequence_mutate(struct sequence *sequence, const struct sequence *other)
{
	do {
		mutate_once(sequence, other);
	} while (!one_in(3));
}
