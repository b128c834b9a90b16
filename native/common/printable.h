/* SPDX-License-Identifier: MIT */
/* Text of files and command lines, as a terminal may show it. */
#ifndef COMMON_PRINTABLE_H
#define COMMON_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

#define QUOTED_MAX	60	/* bytes */

/* Print a text; whatever is not printable ASCII as \xNN. */
static inline void printable_print(FILE *file, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte < ' ' || byte > '~' || byte == '\\')
			fprintf(file, "\\x%02x", byte);
		else
			putc(byte, file);
	}
}

/* The same between quotes, of a long text its beginning. */
static inline void printable_quote(FILE *file, const char *text, size_t len)
{
	putc('\'', file);
	printable_print(file, text, len < QUOTED_MAX ? len : QUOTED_MAX);
	fputs(len > QUOTED_MAX ? "...'" : "'", file);
}

#endif /* COMMON_PRINTABLE_H */
