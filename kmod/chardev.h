/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/fastqueue. */
#ifndef FASTQUEUE_CHARDEV_H
#define FASTQUEUE_CHARDEV_H

int fq_chardev_register(void);
void fq_chardev_unregister(void);

#endif /* FASTQUEUE_CHARDEV_H */
