// SPDX-License-Identifier: MIT
/*
 * What was decided about flows, by addresses, ports and protocol.
 *
 * A table of sets of four places each. A new flow in a full set takes the place
 * of one that is in it, which costs that one a look at the rules: a sender who
 * finds flows of one set makes nobody slower than without the table.
 */
#include <sys/random.h>

#include "ring.h"

#define WAYS 4u
#define MOST_FLOWS (1u << 20)
#define TCP 6
#define UDP 17

/* Everything that a decision depends on, in packets without options or extension headers. */
struct key {
	uint32_t kind;		/* version << 8 | protocol; 0: an empty place */
	uint32_t words[9];	/* addresses and ports; IPv4 has three words */
};

struct place {
	struct key key;
	uint32_t answer;
};

struct flows {
	PyObject_HEAD
	PyObject *by_rules;
	struct place *places;
	uint32_t sets;		/* a power of two */
	uint32_t ways;
	uint32_t used;
	uint32_t victim;
	uint32_t seed;
};

/* false: nothing to remember the packet by. */
static bool key_read(struct key *key, const unsigned char *packet, Py_ssize_t length)
{
	unsigned int protocol;

	memset(key, 0, sizeof(*key));
	if (length < 24)
		return false;
	if (packet[0] == 0x45 && !(packet[6] & 0x1f) && !packet[7]) {
		protocol = packet[9];
		memcpy(key->words, packet + 12, 12);
		key->kind = 4 << 8 | protocol;
	} else if (packet[0] >> 4 == 6 && length >= 44) {
		protocol = packet[6];
		memcpy(key->words, packet + 8, 36);
		key->kind = 6 << 8 | protocol;
	} else {
		return false;
	}
	return protocol == TCP || protocol == UDP;
}

static uint32_t mix(uint32_t hash, uint32_t word)
{
	hash = (hash ^ word) * 0x9e3779b1u;
	return hash ^ hash >> 15;
}

/* The set that a key belongs to. */
static struct place *set_of(const Flows *flows, const struct key *key)
{
	unsigned int i, words = key->kind >> 8 == 4 ? 3 : 9;
	uint32_t hash = mix(flows->seed, key->kind);

	for (i = 0; i < words; i++)
		hash = mix(hash, key->words[i]);
	return flows->places + (size_t)(hash & (flows->sets - 1)) * flows->ways;
}

static struct place *place_of(const Flows *flows, const struct key *key)
{
	struct place *place = set_of(flows, key);
	uint32_t i;

	for (i = 0; i < flows->ways; i++, place++)
		if (place->key.kind == key->kind && place->key.words[2] == key->words[2] &&
		    !memcmp(&place->key, key, sizeof(*key)))
			return place;
	return NULL;
}

int flows_find(const Flows *flows, const unsigned char *packet, Py_ssize_t length,
	       uint32_t *answer)
{
	struct place *place;
	struct key key;

	if (!key_read(&key, packet, length))
		return 0;
	place = place_of(flows, &key);
	if (place)
		*answer = place->answer;
	return place != NULL;
}

static void remember(Flows *flows, const struct key *key, uint32_t answer)
{
	struct place *place = place_of(flows, key), *set = set_of(flows, key);
	uint32_t i;

	for (i = 0; !place && i < flows->ways; i++)
		if (!set[i].key.kind) {
			place = &set[i];
			flows->used++;
		}
	if (!place)
		place = &set[flows->victim++ & (flows->ways - 1)];
	place->key = *key;
	place->answer = answer;
}

static int ask_rules(const Flows *flows, PyObject *view, uint32_t *answer)
{
	PyObject *number = PyObject_CallOneArg(flows->by_rules, view);
	bool good = number && word_from(number, answer);

	Py_XDECREF(number);
	return good ? 0 : -1;
}

/* A copy of the packet's bytes if its flow can be remembered, else NULL; -1 with an exception. */
static int copy_plain(PyObject *view, PyObject **copy)
{
	Py_buffer packet;
	struct key key;

	*copy = NULL;
	if (PyObject_GetBuffer(view, &packet, PyBUF_SIMPLE))
		return -1;
	if (key_read(&key, packet.buf, packet.len))
		*copy = PyBytes_FromStringAndSize(packet.buf, packet.len);
	PyBuffer_Release(&packet);
	return PyErr_Occurred() ? -1 : 0;
}

/*
 * A slot may be another packet's at any time: its time limit passes while the
 * rules run. So the rules and the key are given one private copy. Should it mix
 * bytes of two packets, what is remembered is still the rules' answer for the
 * addresses and ports of that mixture.
 */
static int remember_copy(Flows *flows, PyObject *copy, uint32_t *answer)
{
	PyObject *view = PyMemoryView_FromObject(copy);
	int failed = view ? ask_rules(flows, view, answer) : -1;
	struct key key;

	Py_XDECREF(view);
	if (!failed && key_read(&key, (unsigned char *)PyBytes_AS_STRING(copy), PyBytes_GET_SIZE(copy)))
		remember(flows, &key, *answer);
	return failed;
}

int flows_first_look(Flows *flows, PyObject *view, uint32_t *answer)
{
	PyObject *copy;
	int failed;

	if (copy_plain(view, &copy))
		return -1;
	if (!copy)
		return ask_rules(flows, view, answer);
	failed = remember_copy(flows, copy, answer);
	Py_DECREF(copy);
	return failed;
}

static PyObject *flows_call(PyObject *self, PyObject *args, PyObject *keywords)
{
	Flows *flows = (Flows *)self;
	uint32_t answer = 0;
	Py_buffer packet;
	PyObject *view;
	int found;

	if (keywords || !PyArg_ParseTuple(args, "O", &view))
		return keywords ? PyErr_Format(PyExc_TypeError, "expected a packet") : NULL;
	if (PyObject_GetBuffer(view, &packet, PyBUF_SIMPLE))
		return NULL;
	found = flows_find(flows, packet.buf, packet.len, &answer);
	PyBuffer_Release(&packet);
	if (!found && flows_first_look(flows, view, &answer))
		return NULL;
	return PyLong_FromUnsignedLong(answer);
}

static PyObject *flows_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	static char *names[] = { "by_rules", "limit", NULL };
	PyObject *by_rules;
	Py_ssize_t limit;
	Flows *flows;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "On", names, &by_rules, &limit))
		return NULL;
	flows = (Flows *)type->tp_alloc(type, 0);
	if (!flows)
		return NULL;
	Py_INCREF(by_rules);
	flows->by_rules = by_rules;
	flows->ways = limit < (Py_ssize_t)WAYS ? 1 : WAYS;
	flows->sets = 1;
	while (flows->sets * 2 * flows->ways <= (size_t)Py_MAX(limit, 0) &&
	       flows->sets * flows->ways < MOST_FLOWS)
		flows->sets *= 2;
	flows->places = PyMem_Calloc((size_t)flows->sets * flows->ways, sizeof(struct place));
	if (!flows->places || getentropy(&flows->seed, sizeof(flows->seed))) {
		Py_DECREF(flows);
		return PyErr_NoMemory();
	}
	return (PyObject *)flows;
}

static int flows_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(((Flows *)self)->by_rules);
	return 0;
}

static int flows_clear(PyObject *self)
{
	Py_CLEAR(((Flows *)self)->by_rules);
	return 0;
}

static void flows_dealloc(PyObject *self)
{
	PyObject_GC_UnTrack(self);
	flows_clear(self);
	PyMem_Free(((Flows *)self)->places);
	Py_TYPE(self)->tp_free(self);
}

static Py_ssize_t flows_length(PyObject *self)
{
	return ((Flows *)self)->used;
}

static PyObject *flows_get_decide(PyObject *self, void *nothing)
{
	(void)nothing;
	Py_INCREF(self);
	return self;
}

static PySequenceMethods sequence = { .sq_length = flows_length };

static PyGetSetDef getters[] = {
	{ "decide", flows_get_decide, NULL, NULL, NULL },
	{ 0 },
};

PyTypeObject flows_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "fastqueue._ring.Flows",
	.tp_doc = "Flows(by_rules, limit): see fastqueue.flows.PlainFlows.",
	.tp_basicsize = sizeof(Flows),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.tp_new = flows_new,
	.tp_dealloc = flows_dealloc,
	.tp_traverse = flows_traverse,
	.tp_clear = flows_clear,
	.tp_call = flows_call,
	.tp_as_sequence = &sequence,
	.tp_getset = getters,
};
