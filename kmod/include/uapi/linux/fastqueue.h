/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Fast Queue: netfilter's queued packets in a ring shared with user space.
 *
 * This header is the only ABI. All integers are in the byte order of the host
 * unless a __be type says otherwise. Every structure has the same layout for
 * 32-bit and 64-bit user space.
 *
 * The roles and pointers are those of Huang et al., "Accelerate In-Line Packet
 * Processing Using Fast Queue" (TENCON 2010): the packet receiver (kernel)
 * owns FA, the packet handler (user space) owns FO, the packet sender (kernel)
 * owns FP. Each pointer is a free-running count of frames; frame COUNT lies in
 * slot COUNT % frames, in lap COUNT / frames of the ring.
 */
#ifndef _UAPI_LINUX_FASTQUEUE_H
#define _UAPI_LINUX_FASTQUEUE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FASTQUEUE_ABI_VERSION	2
#define FASTQUEUE_DEVICE	"/dev/fastqueue"

/* What a ring may be. frames is a power of two, frame_size a multiple of 64. */
#define FASTQUEUE_MIN_FRAMES		8
#define FASTQUEUE_MAX_FRAMES		65536
#define FASTQUEUE_MIN_FRAME_SIZE	64
#define FASTQUEUE_MAX_FRAME_SIZE	65536
#define FASTQUEUE_MIN_PERIOD_US		50
#define FASTQUEUE_MAX_PERIOD_US		1000000
#define FASTQUEUE_MAX_QUEUE		65535

/*
 * The word of a frame: state, verdict, flags and lap in 32 bits.
 *
 *  31                    8 7     5 4     2 1   0
 * +-----------------------+-------+-------+-----+
 * |          lap          | flags |verdict|state|
 * +-----------------------+-------+-------+-----+
 *
 * The receiver writes OCCUPIED with the lap of the frame. The handler answers
 * by overwriting it with PROCESSED, a verdict and the same lap; a word with
 * another lap belongs to a packet that is gone and decides nothing. All frames
 * of one lap share that value, so a run of frames is answered by storing one
 * word many times over.
 */
#define FASTQUEUE_STATE_MASK	0x00000003u
#define FASTQUEUE_AVAILABLE	0u
#define FASTQUEUE_OCCUPIED	1u
#define FASTQUEUE_PROCESSED	2u

/* Verdicts have netfilter's own numbers (NF_DROP, NF_ACCEPT, ...). */
#define FASTQUEUE_VERDICT_SHIFT	2
#define FASTQUEUE_VERDICT_MASK	0x0000001cu
#define FASTQUEUE_DROP		0u
#define FASTQUEUE_ACCEPT	1u
#define FASTQUEUE_QUEUE		3u	/* to queue fastqueue_answer.queue */
#define FASTQUEUE_REPEAT	4u

/* Which fields of fastqueue_answer hold. */
#define FASTQUEUE_WITH_MARK	0x00000020u
#define FASTQUEUE_WITH_PRIORITY	0x00000040u
#define FASTQUEUE_WITH_PAYLOAD	0x00000080u	/* whole frames, not GSO; len > 0 */

#define FASTQUEUE_LAP_SHIFT	8
#define FASTQUEUE_LAP_MASK	0xffffff00u

/*
 * Three areas, mapped separately at the offsets that FASTQUEUE_IOC_ALLOC
 * returns, each MAP_SHARED:
 *
 * answer area   read-write  fastqueue_control, words, fastqueue_answer[frames]
 * meta area     read-only   fastqueue_status, fastqueue_meta[frames]
 * payload area  read-only   frame_size bytes a frame; writable when allocated
 *                           with FASTQUEUE_F_WRITABLE
 */

/* First in the answer area; written by the handler, read by the kernel. */
struct fastqueue_control {
	__u32 fo;		/* frames the handler has taken: poll() compares */
	__u32 reserved[15];
};

#define FASTQUEUE_WORDS_OFFSET	64	/* of the first word, in the answer area */

/*
 * fastqueue_answer.flags, with FASTQUEUE_WITH_PAYLOAD: what the kernel adds to a
 * changed packet. Without a flag the handler's bytes leave exactly as written.
 */
#define FASTQUEUE_A_LENGTHS	0x0001u	/* set the IP and UDP lengths from len */
#define FASTQUEUE_A_CHECKSUMS	0x0002u	/* complete the IPv4, TCP, UDP and ICMP checksums */
#define FASTQUEUE_A_ALL		0x0003u

/* Arguments of a word; 16 bytes per frame, after the words. */
struct fastqueue_answer {
	__u32 mark;
	__u32 priority;
	__u32 len;		/* length of the changed payload */
	__u16 queue;		/* where FASTQUEUE_QUEUE sends the packet */
	__u16 flags;		/* FASTQUEUE_A_* */
};

/* First in the meta area; written by the kernel. */
struct fastqueue_status {
	__u32 fa;		/* frames published by the receiver */
	__u32 fp;		/* frames settled by the sender */
	__u32 reserved[14];
};

#define FASTQUEUE_META_OFFSET	64	/* of the first fastqueue_meta */

/* fastqueue_meta.flags */
#define FASTQUEUE_M_TRUNCATED		0x01u	/* cap_len is less than len */
#define FASTQUEUE_M_CSUM_NOT_READY	0x02u	/* the L4 checksum is still open */
#define FASTQUEUE_M_GSO			0x04u	/* many segments in one frame */
#define FASTQUEUE_M_VLAN		0x08u	/* vlan_tci and vlan_proto hold */
#define FASTQUEUE_M_UID			0x10u	/* uid and gid hold */
#define FASTQUEUE_M_CSUM_VALID		0x20u	/* the L4 checksum was verified */

/* What the kernel knows about the packet of a frame; 96 bytes. */
struct fastqueue_meta {
	__u32 len;		/* length of the packet from its network header */
	__u32 cap_len;		/* bytes of it in the payload area */
	__u32 flags;		/* FASTQUEUE_M_* */
	__be16 protocol;	/* EtherType */
	__u8 hook;		/* NF_INET_* or NF_BR_* */
	__u8 family;		/* NFPROTO_* */
	__u32 indev;		/* interface indices, 0: none */
	__u32 outdev;
	__u32 physindev;	/* bridge ports */
	__u32 physoutdev;
	__u32 mark;
	__u32 priority;
	__u16 vlan_tci;
	__be16 vlan_proto;
	__u16 gso_size;
	__u16 gso_segs;
	__u64 timestamp;	/* ns since the epoch, 0: none taken */
	__u32 gso_type;		/* SKB_GSO_* */
	__u32 uid;
	__u32 gid;
	__u16 hw_protocol;	/* ARPHRD_* of indev */
	__u16 hw_addrlen;
	__u8 hw_addr[8];
	__u32 reserved[4];
};

/* fastqueue_ring.flags */
#define FASTQUEUE_F_TIMER_ONLY	0x01u	/* the paper's mode: no flush on poll */
#define FASTQUEUE_F_UNORDERED	0x02u	/* settle frames as they are answered */
#define FASTQUEUE_F_GSO		0x04u	/* GSO packets whole, checksums open */
#define FASTQUEUE_F_WRITABLE	0x08u	/* payload area writable, may be changed */
#define FASTQUEUE_F_TIMESTAMP	0x10u	/* stamp packets that have no time yet */
#define FASTQUEUE_F_UID		0x20u	/* owner of local sockets */
#define FASTQUEUE_F_ALL		0x3fu
#define FASTQUEUE_F_LIVE	(FASTQUEUE_F_GSO | FASTQUEUE_F_TIMESTAMP | FASTQUEUE_F_UID)

/*
 * FASTQUEUE_IOC_ALLOC: bind this file to a queue number and allocate its ring.
 *
 * EINVAL  a field out of its limits, unknown flags, reserved not zero
 * EPROTO  version or size is not the kernel's
 * EPERM   no CAP_NET_ADMIN in the user namespace of the network namespace
 * EBUSY   the queue number has a handler, or the file a ring
 * ENOMEM  no memory, or more than the module's limit
 */
struct fastqueue_ring {
	__u32 version;		/* FASTQUEUE_ABI_VERSION */
	__u32 size;		/* sizeof(struct fastqueue_ring) */
	__u32 queue;		/* queue number of the netfilter rule */
	__u32 frames;
	__u32 frame_size;	/* bytes of payload room a frame */
	__u32 copy_range;	/* bytes to copy at most, 0: frame_size */
	__u32 default_action;	/* FASTQUEUE_ACCEPT or FASTQUEUE_DROP */
	__u32 period_us;	/* of the sender's timer, 0: 1000 */
	__u32 timeout_ms;	/* default action for unanswered frames, 0: never */
	__u32 flags;		/* FASTQUEUE_F_* */
	__u32 reserved[6];	/* zero */
	/* filled in by the kernel */
	__u64 answer_offset;
	__u64 answer_size;
	__u64 meta_offset;
	__u64 meta_size;
	__u64 payload_offset;
	__u64 payload_size;
};

/*
 * FASTQUEUE_IOC_RESIZE: exchange the ring of a live queue for one with other
 * frames, frame_size and copy_range; the other fields must be valid and have no
 * effect. The areas must not be mapped. Packets in the ring move along: they are
 * unanswered again, and FO starts at 0 like FA and FP.
 *
 * EBUSY   an area is mapped, or more packets are out than the new ring holds
 * ENXIO   the file has no ring yet; else as FASTQUEUE_IOC_ALLOC
 */

/*
 * FASTQUEUE_IOC_SET: change a live queue; fields whose bit is not set stay.
 * Unlike ALLOC it has no defaults: a period or copy range of 0 is EINVAL. A limit
 * is a number of packets that may be out at once, 0: as many as there are frames.
 * The flags are F_GSO, F_TIMESTAMP and F_UID, which hold for packets to come.
 */
#define FASTQUEUE_SET_DEFAULT_ACTION	0x01u
#define FASTQUEUE_SET_PERIOD		0x02u
#define FASTQUEUE_SET_TIMEOUT		0x04u
#define FASTQUEUE_SET_COPY_RANGE	0x08u
#define FASTQUEUE_SET_LIMIT		0x10u
#define FASTQUEUE_SET_FLAGS		0x20u
#define FASTQUEUE_SET_ALL		0x3fu

struct fastqueue_settings {
	__u32 fields;		/* FASTQUEUE_SET_* */
	__u32 default_action;
	__u32 period_us;
	__u32 timeout_ms;
	__u32 copy_range;
	__u32 limit;
	__u32 flags;		/* of FASTQUEUE_F_LIVE */
	__u32 reserved;		/* zero */
};

/* FASTQUEUE_IOC_STATS. queued = accepted + dropped + flushed + occupied. */
struct fastqueue_stats {
	__u64 received;		/* packets that netfilter handed to the queue */
	__u64 queued;		/* of them put into a frame */
	__u64 accepted;		/* settled by the handler, repeat and queue too */
	__u64 dropped;		/* settled by the handler */
	__u64 flushed;		/* settled without it: closed, gone, timed out */
	__u64 occupied;		/* in the ring now */
	__u64 default_accepted;	/* never in a frame: ring full, no memory */
	__u64 default_dropped;
	__u64 timed_out;	/* of flushed */
	__u64 invalid_words;	/* answers refused: lap, state, verdict, length */
	__u64 wakeups;
	__u64 ticks;		/* of the sender's timer */
	__u64 truncated;
	__u64 segmented;	/* GSO packets taken apart */
	__u64 refused;		/* of dropped: changes that the stack cannot accept */
	__u64 over_memory;	/* of default_*: limit on the memory of waiting packets */
};

/*
 * FASTQUEUE_IOC_WAIT: what poll() of this file alone, without a time limit, does,
 * at half its price: settle what was answered (not in timer-only mode), then sleep
 * until frames are there that FO has not passed. May return early.
 *
 * EINTR   a signal was caught
 */

#define FASTQUEUE_IOC_MAGIC	0xfa
#define FASTQUEUE_IOC_ALLOC	_IOWR(FASTQUEUE_IOC_MAGIC, 1, struct fastqueue_ring)
#define FASTQUEUE_IOC_KICK	_IO(FASTQUEUE_IOC_MAGIC, 2)
#define FASTQUEUE_IOC_SET	_IOW(FASTQUEUE_IOC_MAGIC, 3, struct fastqueue_settings)
#define FASTQUEUE_IOC_STATS	_IOR(FASTQUEUE_IOC_MAGIC, 4, struct fastqueue_stats)
#define FASTQUEUE_IOC_RESIZE	_IOWR(FASTQUEUE_IOC_MAGIC, 5, struct fastqueue_ring)
#define FASTQUEUE_IOC_WAIT	_IO(FASTQUEUE_IOC_MAGIC, 6)

#endif /* _UAPI_LINUX_FASTQUEUE_H */
