// SPDX-License-Identifier: GPL-2.0-only
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "account.h"
#include "params.h"

/* Parts of a limit that all unprivileged accounts, and each of them, may take. */
#define FQ_UNPRIVILEGED_PART	2
#define FQ_ACCOUNT_PART		4
/* Part of the packet limit that one privileged queue may take. */
#define FQ_QUEUE_PART		2

struct fq_account {
	struct list_head list;
	unsigned int queues;		/* written under the mutex */
	bool privileged;		/* of the initial user namespace */
	kuid_t owner;
	atomic_long_t used[FQ_MEMORY_KINDS];
};

static DEFINE_MUTEX(fq_accounts_mutex);
static LIST_HEAD(fq_accounts);
static atomic_long_t fq_used[FQ_MEMORY_KINDS];
static atomic_long_t fq_unprivileged_used[FQ_MEMORY_KINDS];

/* Nested namespaces are on the account of the user who owns the outermost one. */
static kuid_t fq_account_owner(struct user_namespace *ns)
{
	while (ns->parent && ns->parent != &init_user_ns)
		ns = ns->parent;
	return ns->owner;
}

static struct fq_account *fq_account_find(kuid_t owner, bool privileged)
{
	struct fq_account *account;

	list_for_each_entry(account, &fq_accounts, list)
		if (account->privileged == privileged &&
		    (privileged || uid_eq(account->owner, owner)))
			return account;
	account = kzalloc(sizeof(*account), GFP_KERNEL_ACCOUNT);
	if (!account)
		return NULL;
	account->owner = owner;
	account->privileged = privileged;
	list_add(&account->list, &fq_accounts);
	return account;
}

/* The account that a queue of this user namespace is charged to; NULL: no memory. */
struct fq_account *fq_account_get(struct user_namespace *ns)
{
	struct fq_account *account;

	mutex_lock(&fq_accounts_mutex);
	account = fq_account_find(fq_account_owner(ns), ns == &init_user_ns);
	if (account)
		WRITE_ONCE(account->queues, account->queues + 1);
	mutex_unlock(&fq_accounts_mutex);
	return account;
}

void fq_account_put(struct fq_account *account)
{
	mutex_lock(&fq_accounts_mutex);
	WRITE_ONCE(account->queues, account->queues - 1);
	if (!account->queues) {
		list_del(&account->list);
		kfree(account);
	}
	mutex_unlock(&fq_accounts_mutex);
}

/* Not even an administrator may take the memory that the machine runs on. */
static bool fq_memory_spare(u64 bytes)
{
	return bytes >> PAGE_SHIFT <= max(si_mem_available(), 0L) / 2;
}

static unsigned long fq_limit(enum fq_memory kind)
{
	return kind == FQ_MEMORY_RINGS ? fq_max_memory() : fq_max_packet_memory();
}

static bool fq_add_below(atomic_long_t *used, u64 bytes, unsigned long limit)
{
	if (bytes <= limit && (unsigned long)atomic_long_add_return(bytes, used) <= limit)
		return true;
	if (bytes <= limit)
		atomic_long_sub(bytes, used);
	return false;
}

static bool fq_charge_unprivileged(struct fq_account *account, enum fq_memory kind, u64 bytes)
{
	unsigned long limit = fq_limit(kind);

	if (!fq_add_below(&account->used[kind], bytes, limit / FQ_ACCOUNT_PART))
		return false;
	if (fq_add_below(&fq_unprivileged_used[kind], bytes, limit / FQ_UNPRIVILEGED_PART))
		return true;
	atomic_long_sub(bytes, &account->used[kind]);
	return false;
}

static void fq_uncharge_unprivileged(struct fq_account *account, enum fq_memory kind, u64 bytes)
{
	atomic_long_sub(bytes, &fq_unprivileged_used[kind]);
	atomic_long_sub(bytes, &account->used[kind]);
}

/* False, and nothing is charged: a limit would be exceeded. */
bool fq_account_charge(struct fq_account *account, enum fq_memory kind, u64 bytes)
{
	if (kind == FQ_MEMORY_RINGS && !fq_memory_spare(bytes))
		return false;
	if (!account->privileged && !fq_charge_unprivileged(account, kind, bytes))
		return false;
	if (fq_add_below(&fq_used[kind], bytes, fq_limit(kind)))
		return true;
	if (!account->privileged)
		fq_uncharge_unprivileged(account, kind, bytes);
	return false;
}

void fq_account_uncharge(struct fq_account *account, enum fq_memory kind, u64 bytes)
{
	atomic_long_sub(bytes, &fq_used[kind]);
	if (!account->privileged)
		fq_uncharge_unprivileged(account, kind, bytes);
}

unsigned long fq_account_queue_limit(const struct fq_account *account)
{
	return fq_max_packet_memory() / (account->privileged ? FQ_QUEUE_PART : FQ_ACCOUNT_PART);
}

bool fq_account_privileged(const struct fq_account *account)
{
	return account->privileged;
}

unsigned int fq_account_sharers(const struct fq_account *account)
{
	return account->privileged ? 1 : READ_ONCE(account->queues);
}
