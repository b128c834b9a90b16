// SPDX-License-Identifier: MIT
/* A program that no library can be put in front of: it is linked statically. */
#include <stdio.h>

int main(void)
{
	puts("ran");
	return 0;
}
