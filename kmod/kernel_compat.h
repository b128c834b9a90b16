/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place where kernels differ. Kbuild asks the kernel's headers for each
 * feature and defines FQ_HAVE_*; no version number is looked at.
 */
#ifndef FASTQUEUE_KERNEL_COMPAT_H
#define FASTQUEUE_KERNEL_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <asm/cacheflush.h>
#ifdef FQ_HAVE_NET_GSO_H
#include <net/gso.h>
#endif

/*
 * Kernels that do not say yet whether data caches alias: those that flush them
 * do, but for some that only keep instructions coherent.
 */
#if !defined(FQ_HAVE_CACHE_ALIASING) && ARCH_IMPLEMENTS_FLUSH_DCACHE_PAGE && \
	!defined(CONFIG_ARM64) && !defined(CONFIG_RISCV) && !defined(CONFIG_PPC)
#define FQ_CACHES_MAY_ALIAS
#endif

static inline void
fq_hrtimer_setup(struct hrtimer *timer,
		 enum hrtimer_restart (*function)(struct hrtimer *))
{
#ifdef FQ_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	timer->function = function;
#endif
}

static inline void fq_vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
#ifdef FQ_HAVE_VM_FLAGS_CLEAR
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

static inline void fq_vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
#ifdef FQ_HAVE_VM_FLAGS_CLEAR
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

#endif /* FASTQUEUE_KERNEL_COMPAT_H */
