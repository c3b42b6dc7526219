/* What of instructions depends on the kernel's types. */
#include "bpf.h"

char _license[] SEC("license") = "GPL";

struct mm_struct___own {
	unsigned long total_vm;
} __core;

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *group_leader;
	struct mm_struct___own *mm;
	unsigned sched_reset_on_fork : 1;
} __core;

struct task_struct___gone {
	int was_never_there;
} __core;

struct list_head {
	struct list_head *next, *prev;
} __core;

struct nothing_of_that_name {
	int x;
} __core;

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_NEVER };

#define offset(f) __builtin_preserve_field_info(f, 0)
#define size(f) __builtin_preserve_field_info(f, 1)
#define exists(f) __builtin_preserve_field_info(f, 2)
#define is_signed(f) __builtin_preserve_field_info(f, 3)
#define lshift(f) __builtin_preserve_field_info(f, 4)
#define rshift(f) __builtin_preserve_field_info(f, 5)
#define type_exists(t) __builtin_preserve_type_info(*(t *)0, 0)
#define type_size(t) __builtin_preserve_type_info(*(t *)0, 1)
#define type_matches(t) __builtin_preserve_type_info(*(t *)0, 2)
#define enum_exists(t, v) __builtin_preserve_enum_value(*(typeof(t) *)v, 0)
#define enum_value(t, v) __builtin_preserve_enum_value(*(typeof(t) *)v, 1)

__u64 results[24];

SEC("xdp")
int relocated(void *ctx)
{
	struct task_struct *t = 0;
	struct task_struct___gone *g = 0;
	struct list_head *l = 0;

	results[0] = offset(t->tgid);
	results[1] = offset(t->comm[3]);
	results[2] = size(t->comm);
	results[3] = is_signed(t->pid);
	results[4] = exists(t->group_leader);
	results[5] = exists(g->was_never_there);
	results[6] = offset(t->group_leader);
	results[7] = lshift(t->sched_reset_on_fork);
	results[8] = rshift(t->sched_reset_on_fork);
	results[9] = offset(t->mm);
	results[10] = type_exists(struct task_struct);
	results[11] = type_exists(struct nothing_of_that_name);
	results[12] = type_size(struct task_struct);
	results[13] = type_matches(struct list_head);
	results[14] = enum_value(enum pid_type, PIDTYPE_TGID);
	results[15] = enum_exists(enum pid_type, PIDTYPE_NEVER);
	results[16] = offset(l->prev);
	results[17] = type_matches(struct task_struct);
	results[18] = type_matches(struct task_struct___gone);
	return XDP_PASS;
}
