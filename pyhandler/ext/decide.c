// SPDX-License-Identifier: MIT
/* A batch, decided by what each packet has in it. */
#include "ring.h"

/* Ask a Python function about a frame. It may do anything, also close the queue. */
static bool decide_by_call(Ring *ring, uint32_t slot, PyObject *decide, uint32_t *answer)
{
	PyObject *view = ring_payload(ring, slot), *number = NULL;
	bool good = false;

	if (view)
		number = PyObject_CallOneArg(decide, view);
	if (number)
		good = word_from(number, answer);
	Py_XDECREF(number);
	Py_XDECREF(view);
	return good && ring_ready(ring);
}

/* Only a flow's first packet needs Python. */
static bool decide_by_flow(Ring *ring, uint32_t slot, Flows *flows, uint32_t *answer)
{
	const unsigned char *payload = ring->views[FQ_PAYLOAD].buf;
	const unsigned char *packet = payload + (size_t)slot * ring->frame_size;
	PyObject *view;
	bool good;

	if (flows_find(flows, packet, ring_captured(ring, slot), answer))
		return true;
	view = ring_payload(ring, slot);
	if (!view)
		return false;
	good = !flows_first_look(flows, view, answer);
	Py_DECREF(view);
	return good && ring_ready(ring);
}

PyObject *ring_decide(PyObject *self, PyObject *const *args, Py_ssize_t number)
{
	Ring *ring = (Ring *)self;
	uint32_t count, left, answer;

	if (number != 3) {
		PyErr_SetString(PyExc_TypeError, "expected first, number, decide");
		return NULL;
	}
	if (!word_from(args[0], &count) || !word_from(args[1], &left) || !ring_ready(ring))
		return NULL;
	for (; left; left--, count++) {
		uint32_t slot = ring_slot(ring, count);
		bool good = Py_IS_TYPE(args[2], &flows_type) ?
				    decide_by_flow(ring, slot, (Flows *)args[2], &answer) :
				    decide_by_call(ring, slot, args[2], &answer);

		if (!good)
			return NULL;
		ring_answer(ring, count, answer);
	}
	Py_RETURN_NONE;
}
