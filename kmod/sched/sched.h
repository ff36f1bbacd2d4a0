/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scheduling disciplines: which of a pool's jobs may run, and for how long.
 *
 * Pure decisions over a list: no lock, no clock, no allocation, no floating
 * point. The caller says what happens and when, and holds the pool's lock. The
 * kernel module, "kvmgov simulate" and the unit tests compile the same files.
 *
 * A job is a burst of a VM: from the time when it becomes runnable until all its
 * vCPUs are idle. A discipline is a file with a struct kvmgov_sched_ops.
 *
 * Times are in ns. Those of one clock must not run backwards.
 */
#ifndef _KVMGOV_SCHED_H
#define _KVMGOV_SCHED_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

/* A time that does not come. */
#define KVMGOV_SCHED_NEVER		(~0ULL)
/* The longest time that may be set or charged at once: 52 days. */
#define KVMGOV_SCHED_TIME_MAX		BIT_ULL(52)
/* A weight of one in struct kvmgov_sched_params.alpha. */
#define KVMGOV_SCHED_ALPHA_ONE		65536U

/* What may be set of a job. */
#define KVMGOV_SCHED_WIDTH_MAX		4096U
#define KVMGOV_SCHED_WEIGHT_MAX		10000U
#define KVMGOV_SCHED_WEIGHT_DEFAULT	100U
#define KVMGOV_SCHED_PRIORITY_MAX	99U
#define KVMGOV_SCHED_PRIORITY_DEFAULT	50U

struct kvmgov_sched;

/**
 * struct kvmgov_sched_job - what a VM has to do in its pool
 * @node: in the queue, in the order in which jobs are to run
 * @width: vCPUs: how many CPUs it can use at once
 * @weight: its share of the CPUs, under a discipline that knows shares
 * @priority: larger ones first, under a discipline that knows priorities
 * @hint: how much CPU time the administrator says it will need; 0: not known
 * @average: average of the CPU time of its bursts, if there were any
 * @nr_bursts: how many there were; what is told apart is none and some
 * @home: the queue that it is in or was in last
 * @seq: order in which jobs came
 * @turn: the same, begun anew when a slice has been used up
 * @left: when the last burst ended
 * @slept: how long it was away before this burst; 0 for the first
 * @used: CPU time of this burst so far
 * @cpus: how many CPUs it may use now; 0: it is to wait
 * @keeps: it runs, and its slice is not over
 * @since: up to when @waited is counted
 * @waited: how long it has waited since it came or used up a slice
 * @slice_end: while it runs, when its slice will be over
 * @slice_left: while it waits, what is left of a slice; 0: a new one
 * @vtime: fair: CPU time by weight, as of the pool's virtual clock
 * @rest: fair: what was too little for @vtime to count
 * @share: fair: the weight that is counted with
 * @boosted: priority: levels that it has for having slept
 *
 * The caller sets those up to @hint, whenever it likes to if it then calls
 * kvmgov_sched_changed(), and reads @cpus.
 */
struct kvmgov_sched_job {
	struct list_head node;
	u32 width;
	u32 weight;
	u32 priority;
	u64 hint;

	u64 average;
	u32 nr_bursts;
	const struct kvmgov_sched *home;
	u64 seq;
	u64 turn;
	u64 left;
	u64 slept;
	u64 used;
	u32 cpus;
	bool keeps;
	u64 since;
	u64 waited;
	u64 slice_end;
	u64 slice_left;

	u64 vtime;
	u64 rest;
	u64 share;
	u32 boosted;
};

/**
 * struct kvmgov_sched_params - what may be set of a pool's scheduling
 * @quantum: length of a slice
 * @alpha: weight of the last burst in the average of bursts, of
 *	%KVMGOV_SCHED_ALPHA_ONE
 * @guess: what a VM is expected to need that has had no burst yet
 * @max_wait: sjf, srtf: a job that has waited so long goes first; 0: none does
 * @ageing: priority: a level is won by waiting so long; 0: none is
 * @boost: priority: levels that a job has for its first slice after a sleep
 * @boost_sleep: priority: how long such a sleep is
 */
struct kvmgov_sched_params {
	u64 quantum;
	u32 alpha;
	u64 guess;
	u64 max_wait;
	u64 ageing;
	u32 boost;
	u64 boost_sleep;
};

/**
 * struct kvmgov_sched_ops - a discipline
 * @name: what it is chosen by
 * @preempts: whether a job that waits takes the place of one that runs and comes
 *	after it; otherwise it waits for the end of the burst or of the slice
 * @sliced: whether a job runs for a quantum at most while another one wants more
 * @before: whether the first job is to run rather than the second: a strict order
 * @enter: a job has joined the queue, or the queue this discipline; may be NULL
 * @leave: a job is about to leave the queue; may be NULL
 * @charge: a job has used so much CPU time; may be NULL
 * @changed: jobs, their weights or widths, or the capacity are others than before;
 *	may be NULL
 * @overtakes_at: when the first job, which waits, will come before the second,
 *	which runs, if nothing happens until then; NULL: never
 */
struct kvmgov_sched_ops {
	const char *name;
	bool preempts;
	bool sliced;
	bool (*before)(const struct kvmgov_sched *sched,
		       const struct kvmgov_sched_job *a,
		       const struct kvmgov_sched_job *b);
	void (*enter)(struct kvmgov_sched *sched, struct kvmgov_sched_job *job);
	void (*leave)(struct kvmgov_sched *sched, struct kvmgov_sched_job *job);
	void (*charge)(struct kvmgov_sched *sched, struct kvmgov_sched_job *job,
		       u64 ns);
	void (*changed)(struct kvmgov_sched *sched);
	u64 (*overtakes_at)(const struct kvmgov_sched *sched,
			    const struct kvmgov_sched_job *waits,
			    const struct kvmgov_sched_job *runs, u64 now);
};

/**
 * struct kvmgov_sched - the jobs of a pool, and the discipline that they are under
 * @ops: the discipline
 * @params: what is set
 * @jobs: all of them, those that are to run first
 * @nr_jobs: how many
 * @cpus: how many CPUs there are for them
 * @contended: at the last decision, a job wanted more than it got
 * @seqs: jobs that have come
 * @turns: turns that have begun
 * @vtime: fair: the virtual clock
 */
struct kvmgov_sched {
	const struct kvmgov_sched_ops *ops;
	struct kvmgov_sched_params params;
	struct list_head jobs;
	u32 nr_jobs;
	u32 cpus;
	bool contended;
	u64 seqs;
	u64 turns;
	u64 vtime;
};

extern const struct kvmgov_sched_params kvmgov_sched_defaults;

extern const struct kvmgov_sched_ops kvmgov_sched_fair;
extern const struct kvmgov_sched_ops kvmgov_sched_fcfs;
extern const struct kvmgov_sched_ops kvmgov_sched_rr;
extern const struct kvmgov_sched_ops kvmgov_sched_sjf;
extern const struct kvmgov_sched_ops kvmgov_sched_srtf;
extern const struct kvmgov_sched_ops kvmgov_sched_priority;

const struct kvmgov_sched_ops *kvmgov_sched_find(const char *name);
const struct kvmgov_sched_ops *kvmgov_sched_at(unsigned int i);
int kvmgov_sched_params_check(const struct kvmgov_sched_params *params);

void kvmgov_sched_job_init(struct kvmgov_sched_job *job);
void kvmgov_sched_init(struct kvmgov_sched *sched,
		       const struct kvmgov_sched_ops *ops,
		       const struct kvmgov_sched_params *params, u32 cpus);
void kvmgov_sched_switch(struct kvmgov_sched *sched,
			 const struct kvmgov_sched_ops *ops);
void kvmgov_sched_changed(struct kvmgov_sched *sched);

void kvmgov_sched_enter(struct kvmgov_sched *sched,
			struct kvmgov_sched_job *job, u64 now);
void kvmgov_sched_remove(struct kvmgov_sched *sched,
			 struct kvmgov_sched_job *job, u64 now);
void kvmgov_sched_done(struct kvmgov_sched *sched,
		       struct kvmgov_sched_job *job, u64 now);
void kvmgov_sched_charge(struct kvmgov_sched *sched,
			 struct kvmgov_sched_job *job, u64 ns);
u64 kvmgov_sched_decide(struct kvmgov_sched *sched, u64 now);

u64 kvmgov_sched_average(u64 average, u64 last, u32 alpha);
u64 kvmgov_sched_expected(const struct kvmgov_sched *sched,
			  const struct kvmgov_sched_job *job);
bool kvmgov_sched_overdue(const struct kvmgov_sched *sched,
			  const struct kvmgov_sched_job *job);

#endif /* _KVMGOV_SCHED_H */
