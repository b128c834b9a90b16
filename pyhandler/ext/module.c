// SPDX-License-Identifier: MIT
/* fastqueue._ring: the loops over packets, as plain.py and flows.py have them in Python. */
#include "ring.h"

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "fastqueue._ring",
	.m_doc = "Loops over packets in C. Use fastqueue.backend, which chooses.",
	.m_size = -1,
};

static const struct {
	const char *name;
	PyTypeObject *type;
} types[] = {
	{ "Ring", &ring_type },
	{ "Frame", &frame_type },
	{ "Frames", &frames_type },
	{ "Flows", &flows_type },
};

static int module_fill(PyObject *module)
{
	size_t i;

	for (i = 0; i < Py_ARRAY_LENGTH(types); i++)
		if (PyType_Ready(types[i].type) ||
		    PyModule_AddObjectRef(module, types[i].name, (PyObject *)types[i].type))
			return -1;
	return PyModule_AddIntConstant(module, "LAP_SHIFT", FQ_LAP_SHIFT) ||
	       PyModule_AddIntConstant(module, "CONTROL_FO", FQ_FO) ||
	       PyModule_AddIntConstant(module, "STATUS_FA", FQ_FA) ||
	       PyModule_AddIntConstant(module, "STATUS_FP", FQ_FP) ||
	       PyModule_AddIntConstant(module, "META_CAP_LEN", FQ_CAP_LEN) ||
	       PyModule_AddIntConstant(module, "META_SIZE", FQ_META_WORDS * 4) ||
	       PyModule_AddIntConstant(module, "ANSWER_DROP", FQ_ANSWER_DROP) ||
	       PyModule_AddIntConstant(module, "ANSWER_ACCEPT", FQ_ANSWER_ACCEPT);
}

PyMODINIT_FUNC PyInit__ring(void)
{
	PyObject *module = PyModule_Create(&definition);

	if (module && module_fill(module))
		Py_CLEAR(module);
	return module;
}
