// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a ring: allocation and mapping.
 *
 * Memory ordering
 * ---------------
 * Receiver -> handler: payload, meta and word of a frame are written first,
 * then status->fa with smp_store_release(). A handler that reads fa with
 * acquire semantics sees all of every frame below it.
 *
 * Handler -> sender: answer and changed payload first, then the word, with
 * release semantics. The sender reads the word once (smp_load_acquire()) and
 * only then the answer.
 *
 * Sleeping: the handler stores control->fo, then enters poll(), which orders
 * it before reading fa. The receiver stores fa, then orders it before reading
 * fo. One of the two sees the other's store, so no wake-up is lost.
 *
 * What user space may write
 * -------------------------
 * The answer area, and the payload area of a FASTQUEUE_F_WRITABLE ring. Of
 * these the kernel reads a word, an answer and control->fo once each, into a
 * copy of its own, and believes none of them: which packet is in a frame, how
 * long it is and whether it is there at all stand in fq_slot. Whatever a
 * handler writes, it can only decide wrongly about its own packets. No skb
 * ever points into an area.
 */
#include <linux/mm.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/cacheflush.h>

#include "account.h"
#include "kernel_compat.h"
#include "ring.h"

/* Kernel and handler see one area at different addresses. */
#if defined(CONFIG_ARCH_HAS_CPU_CACHE_ALIASING) || defined(FQ_CACHES_MAY_ALIAS)
#error "Fast Queue needs a processor whose data caches do not alias"
#endif

static_assert(sizeof(struct fastqueue_control) == FASTQUEUE_WORDS_OFFSET);
static_assert(sizeof(struct fastqueue_status) == FASTQUEUE_META_OFFSET);
static_assert(sizeof(struct fastqueue_meta) == 96);
static_assert(sizeof(struct fastqueue_answer) == 16);
static_assert(sizeof(struct fastqueue_ring) == 112);
static_assert(sizeof(struct fastqueue_settings) == 32);
static_assert(sizeof(struct fastqueue_stats) == 128);

/*
 * Page-aligned size of a head and @count elements. In 64 bits, also where size_t
 * has 32: the largest frames times the most of them are 2^32 bytes.
 */
static u64 fq_area_size(u64 head, u32 count, u32 element)
{
	return ALIGN(head + (u64)count * element, PAGE_SIZE);
}

/* Zeroed, and on the bill of the process's control group as slots are. */
static void *fq_area_alloc(size_t size)
{
	return __vmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
}

static bool fq_ring_alloc_areas(struct fq_ring *ring)
{
	void *answer = fq_area_alloc(ring->answer_size);
	void *meta = fq_area_alloc(ring->meta_size);

	ring->payload = fq_area_alloc(ring->payload_size);
	ring->control = answer;
	ring->status = meta;
	if (!answer || !meta || !ring->payload)
		return false;
	ring->words = answer + FASTQUEUE_WORDS_OFFSET;
	ring->answers = (void *)(ring->words + ring->frames);
	ring->meta = meta + FASTQUEUE_META_OFFSET;
	return true;
}

/* What was charged fits into size_t, and so do its parts. */
static void fq_ring_shape(struct fq_ring *ring, u32 frames, u32 frame_size)
{
	u64 answer = fq_area_size(FASTQUEUE_WORDS_OFFSET, frames,
				  sizeof(u32) + sizeof(struct fastqueue_answer));
	u64 meta = fq_area_size(FASTQUEUE_META_OFFSET, frames,
				sizeof(struct fastqueue_meta));
	u64 payload = fq_area_size(0, frames, frame_size);

	ring->frames = frames;
	ring->order = ilog2(frames);
	ring->frame_size = frame_size;
	ring->answer_size = answer;
	ring->meta_size = meta;
	ring->payload_size = payload;
	ring->bytes = answer + meta + payload +
		      fq_area_size(0, frames, sizeof(struct fq_slot));
}

/* Charged to @account; all three areas come zeroed. NULL: no memory, or a limit. */
struct fq_ring *fq_ring_alloc(struct fq_account *account, u32 frames, u32 frame_size)
{
	struct fq_ring *ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);

	if (!ring)
		return NULL;
	fq_ring_shape(ring, frames, frame_size);
	ring->account = account;
	if (!fq_account_charge(account, FQ_MEMORY_RINGS, ring->bytes)) {
		kfree(ring);
		return NULL;
	}
	ring->slots = kvcalloc(frames, sizeof(*ring->slots),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!ring->slots || !fq_ring_alloc_areas(ring)) {
		fq_ring_free(ring);
		return NULL;
	}
	return ring;
}

void fq_ring_free(struct fq_ring *ring)
{
	vfree(ring->payload);
	vfree(ring->status);
	vfree(ring->control);
	kvfree(ring->slots);
	fq_account_uncharge(ring->account, FQ_MEMORY_RINGS, ring->bytes);
	kfree(ring);
}

/* Offsets for mmap(): the areas follow one another. */
void fq_ring_describe(const struct fq_ring *ring, struct fastqueue_ring *answer)
{
	answer->answer_offset = 0;
	answer->answer_size = ring->answer_size;
	answer->meta_offset = ring->answer_size;
	answer->meta_size = ring->meta_size;
	answer->payload_offset = ring->answer_size + ring->meta_size;
	answer->payload_size = ring->payload_size;
}

/* A mapping that is split, by a partial munmap() say, counts for each part. */
static void fq_vma_open(struct vm_area_struct *vma)
{
	atomic_inc(vma->vm_private_data);
}

static void fq_vma_close(struct vm_area_struct *vma)
{
	atomic_dec(vma->vm_private_data);
}

static const struct vm_operations_struct fq_vm_ops = {
	.open = fq_vma_open,
	.close = fq_vma_close,
};

static int fq_area_insert(struct vm_area_struct *vma, const void *area)
{
	unsigned long address;
	int err = 0;

	for (address = vma->vm_start; address < vma->vm_end && !err; address += PAGE_SIZE) {
		err = vm_insert_page(vma, address, vmalloc_to_page(area));
		area += PAGE_SIZE;
	}
	return err;
}

/*
 * Map one whole area. A child of fork() gets no mapping, and mremap() cannot
 * grow one; a read-only area stays so through mprotect().
 */
int fq_ring_mmap(struct fq_ring *ring, struct vm_area_struct *vma,
		 bool payload_writable)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	size_t size = vma->vm_end - vma->vm_start;
	bool writable;
	void *area;
	int err;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;

	if (offset == 0 && size == ring->answer_size) {
		area = ring->control;
		writable = true;
	} else if (offset == ring->answer_size && size == ring->meta_size) {
		area = ring->status;
		writable = false;
	} else if (offset == (u64)ring->answer_size + ring->meta_size &&
		   size == ring->payload_size) {
		area = ring->payload;
		writable = payload_writable;
	} else {
		return -EINVAL;
	}

	if (!writable) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		fq_vm_flags_clear(vma, VM_MAYWRITE);
	}
	fq_vm_flags_clear(vma, VM_MAYEXEC);
	fq_vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	err = fq_area_insert(vma, area);
	if (err)
		return err;
	vma->vm_private_data = &ring->mapped;
	vma->vm_ops = &fq_vm_ops;
	atomic_inc(&ring->mapped);
	return 0;
}
